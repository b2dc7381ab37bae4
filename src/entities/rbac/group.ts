import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, reference } from '../fields.ts'

/** Routes: /rbac/groups, and as in Kong /groups. */
export const group = defineEntity({
  name: 'group',
  plural: 'rbac/groups',
  about: 'A group of the identity provider, whose members receive roles.',
  inWorkspace: false,
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: z.string().min(1).describe('Name of the group in the identity provider.'),
    comment: optional(z.string()).describe('Free text.'),
  }),
})

/** Global, because the role determines the workspace. Routes: /rbac/groups/{group}/roles. */
export const groupRole = defineEntity(
  {
    name: 'group-role',
    plural: 'rbac/group-roles',
    about: 'A role granted to all members of a group.',
    inWorkspace: false,
    refersTo: { group: 'group', role: 'role' },
    belongsTo: 'group',
    cascades: ['role'],
    withoutRoutes: ['own', 'nested'],
    unique: [['group', 'role']],
    fields: z.strictObject({
      group: reference().describe('The group whose members receive the role.'),
      role: reference().describe('The granted role.'),
    }),
  },
  { describe: (_entry, nameOf) => `${nameOf('role')} of ${nameOf('group')}` },
)
