import { z } from 'zod'
import { action } from '../action.ts'
import { defaultWorkspace } from '../default-workspace.ts'
import { defineEntity } from '../entity.ts'
import { optional, reference, uuid } from '../fields.ts'
import type { Body } from '../hooks.ts'
import { schemaViolation } from '../kong-problem.ts'

/** Kong's forms of actions: a list, or text separated by commas; `*` means all four. */
const actions = () =>
  z
    .union([
      z.array(z.string()),
      z.string().transform((text) => text.split(',').map((word) => word.trim())),
    ])
    .transform((words) =>
      words.includes('*') ? ['create', 'delete', 'read', 'update'] : [...new Set(words)].toSorted(),
    )
    .pipe(z.array(action).min(1))

/** Routes: /rbac/roles. */
export const role = defineEntity({
  name: 'role',
  plural: 'rbac/roles',
  document: { part: 'roles' },
  about: 'A named set of permissions in a workspace.',
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: z
      .string()
      .min(1)
      .describe('Name of the role. Unique in the workspace; accepted in place of the id in paths.'),
    comment: optional(z.string()).describe('Free text.'),
    is_default: z
      .boolean()
      .default(false)
      .describe('Stored for compatibility with Kong; has no effect.'),
  }),
})

/** Routes: /rbac/roles/{role}/endpoints. */
export const endpointPermission = defineEntity(
  {
    name: 'endpoint-permission',
    plural: 'rbac/endpoints',
    schemaAliases: ['rbac-endpointpermission'],
    withoutRoutes: ['own', 'nested'],
    document: { part: 'roles', list: 'endpoint_permissions' },
    about: 'A permission of a role on a path of the Admin API.',
    isPermission: true,
    refersTo: { role: 'role' },
    belongsTo: 'role',
    unique: [['role', 'workspace', 'endpoint']],
    fields: z.strictObject({
      role: reference().describe('The role that has the permission.'),
      workspace: z
        .string()
        .min(1)
        .default('*')
        .describe('Name of the workspace, or `*` for every workspace that the role applies to.'),
      endpoint: z
        .string()
        .min(1)
        .describe(
          'Path of the Admin API without the workspace. `*` matches one segment; `*` alone matches every path.',
        ),
      actions: actions().describe(
        'create, read, update, delete, or `*` for all; a list or text separated by commas.',
      ),
      negative: z.boolean().default(false).describe('Deny the actions instead of allowing them.'),
      comment: optional(z.string()).describe('Free text.'),
    }),
  },
  {
    normalize: addSlash,
    describe: ({ fields: { endpoint, actions: granted, negative } }, nameOf) =>
      `${negative ? 'against' : 'for'} ${endpoint} (${granted.join(', ')}) of ${nameOf('role')}`,
    beforeWrite(
      {
        after: {
          fields: { workspace: named },
          workspace,
        },
      },
      lookup,
    ) {
      if (named === '*') return undefined
      const isThere = lookup
        .workspaces()
        .some(({ id, name }) => (id === named || name === named) && isInScope(workspace, id))
      if (isThere) return undefined
      throw schemaViolation({ workspace: `the role does not apply to a workspace '${named}'` })
    },
    // A later workspace with the same name or id must not inherit the permission.
    afterAnyRemove({ entity, entry }, edit) {
      if (entity.isWorkspace !== true) return
      for (const written of [entry.id, String(entry.fields['name'])]) {
        for (const { id } of edit.where(endpointPermission, 'workspace', written))
          edit.discard(endpointPermission, id)
      }
    },
  },
)

/** Routes: /rbac/roles/{role}/entities. */
export const entityPermission = defineEntity(
  {
    name: 'entity-permission',
    plural: 'rbac/entities',
    withoutRoutes: ['own'],
    document: { part: 'roles', list: 'entity_permissions' },
    nestedAs: 'entities',
    about: 'A permission of a role on a single entity, or on all entities of a workspace.',
    isPermission: true,
    key: 'entity_id',
    refersTo: { role: 'role' },
    belongsTo: 'role',
    unique: [['role', 'entity_id']],
    fields: z.strictObject({
      role: reference().describe('The role that has the permission.'),
      entity_id: z
        .union([uuid(), z.literal('*')])
        .describe('Id of an entity, id of a workspace (all of its entities), or `*`.'),
      entity_type: z
        .string()
        .min(1)
        .describe('Plural of the entity type, such as services; workspaces; or wildcard.'),
      actions: actions().describe(
        'create, read, update, delete, or `*` for all; a list or text separated by commas.',
      ),
      negative: z.boolean().default(false).describe('Deny the actions instead of allowing them.'),
      comment: optional(z.string()).describe('Free text.'),
    }),
  },
  {
    describe: ({ fields: { entity_type: type, entity_id: id, negative } }, nameOf) =>
      `${negative ? 'against' : 'for'} ${type} ${id} of ${nameOf('role')}`,
    beforeWrite(
      {
        after: {
          fields: { entity_id: id },
          workspace,
        },
      },
      lookup,
    ) {
      if (id === '*') return undefined
      const found = lookup.withId(id.toLowerCase())
      if (found.some((one) => isInScope(workspace, one.workspace ?? one.id))) return undefined
      throw schemaViolation({ entity_id: `the role does not apply to an entity with id '${id}'` })
    },
    // A later entity with the same id must not inherit the permission.
    afterAnyRemove({ entry }, edit) {
      for (const { id } of edit.where(entityPermission, 'entity_id', entry.id))
        edit.discard(entityPermission, id)
    },
  },
)

/** Adds the leading slash that callers may omit. */
function addSlash(body: Body): Body {
  const { endpoint } = body
  if (typeof endpoint !== 'string' || endpoint === '*' || endpoint === '') return body
  return { ...body, endpoint: `/${endpoint.replace(/^\/+/, '')}` }
}

const isInScope = (roleWorkspace: string | null, workspace: string): boolean =>
  roleWorkspace === defaultWorkspace.id || roleWorkspace === workspace
