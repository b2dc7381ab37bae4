import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, reference } from '../fields.ts'

/** People as the identity provider groups them. Public paths are under /rbac/groups, and as in Kong under /groups. */
export const group = defineEntity({
  name: 'group',
  plural: 'rbac/groups',
  about: 'People as the identity provider groups them.',
  inWorkspace: false,
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: z.string().min(1).describe('The name that the identity provider says.'),
    comment: optional(z.string()),
  }),
})

/** A role that everybody of a group has. The role carries its workspace. Public paths are under /rbac/groups/{group}/roles. */
export const groupRole = defineEntity(
  {
    name: 'group-role',
    plural: 'rbac/group-roles',
    about: 'A role that everybody of a group has.',
    inWorkspace: false,
    refersTo: { group: 'group', role: 'role' },
    belongsTo: 'group',
    cascades: ['role'],
    withoutRoutes: ['own', 'nested'],
    unique: [['group', 'role']],
    fields: z.strictObject({ group: reference(), role: reference() }),
  },
  { describe: (_entry, nameOf) => `${nameOf('role')} of ${nameOf('group')}` },
)
