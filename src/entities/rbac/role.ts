import { z } from 'zod'
import { action } from '../action.ts'
import { defaultWorkspace } from '../default-workspace.ts'
import { defineEntity } from '../entity.ts'
import { optional, reference, uuid } from '../fields.ts'
import type { Body } from '../hooks.ts'
import { schemaViolation } from '../kong-problem.ts'

/** Actions as Kong takes them: a list, or text with commas; `*` means all four. */
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

/** A named set of permissions in a workspace. Public paths are under /rbac/roles. */
export const role = defineEntity({
  name: 'role',
  plural: 'rbac/roles',
  document: { part: 'roles' },
  about: 'A named set of permissions in a workspace.',
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: z.string().min(1),
    comment: optional(z.string()),
    is_default: z.boolean().default(false),
  }),
})

/** What a role allows, or with `negative` forbids, at a path of the Admin API. Public paths are under /rbac/roles/{role}/endpoints. */
export const endpointPermission = defineEntity(
  {
    name: 'endpoint-permission',
    plural: 'rbac/endpoints',
    schemaAliases: ['rbac-endpointpermission'],
    withoutRoutes: ['own', 'nested'],
    document: { part: 'roles', list: 'endpoint_permissions' },
    about: 'What a role allows, or forbids, at a path of the Admin API.',
    refersTo: { role: 'role' },
    belongsTo: 'role',
    unique: [['role', 'workspace', 'endpoint']],
    fields: z.strictObject({
      role: reference(),
      workspace: z.string().min(1).default('*').describe('A workspace name, or * for any.'),
      endpoint: z
        .string()
        .min(1)
        .describe('A path whose * stands for exactly one segment, or * alone for any path.'),
      actions: actions(),
      negative: z.boolean().default(false).describe('Forbid instead of allow.'),
      comment: optional(z.string()),
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
        .some(({ id, name }) => (id === named || name === named) && isReached(workspace, id))
      if (isThere) return undefined
      throw schemaViolation({ workspace: `the role reaches no workspace '${named}'` })
    },
    // A workspace that later takes the name or id inherits no permission.
    afterAnyRemove({ entity, entry }, edit) {
      if (entity.isWorkspace !== true) return
      for (const { id, fields } of edit.all(endpointPermission)) {
        if (fields.workspace === entry.fields['name'] || fields.workspace === entry.id)
          edit.discard(endpointPermission, id)
      }
    },
  },
)

/** What a role allows or forbids on one entity. Public paths are under /rbac/roles/{role}/entities. */
export const entityPermission = defineEntity(
  {
    name: 'entity-permission',
    plural: 'rbac/entities',
    withoutRoutes: ['own'],
    document: { part: 'roles', list: 'entity_permissions' },
    nestedAs: 'entities',
    about: 'What a role allows, or forbids, on one entity.',
    key: 'entity_id',
    refersTo: { role: 'role' },
    belongsTo: 'role',
    unique: [['role', 'entity_id']],
    fields: z.strictObject({
      role: reference(),
      entity_id: z
        .union([uuid(), z.literal('*')])
        .describe('An entity, a workspace (all its entities), or *.'),
      entity_type: z
        .string()
        .min(1)
        .describe('services, routes, consumers, … workspaces, or wildcard.'),
      actions: actions(),
      negative: z.boolean().default(false),
      comment: optional(z.string()),
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
      if (found.some((one) => isReached(workspace, one.workspace ?? one.id))) return undefined
      throw schemaViolation({ entity_id: `the role reaches no entity with id '${id}'` })
    },
    // What later takes the id inherits no permission.
    afterAnyRemove({ entry }, edit) {
      for (const { id, fields } of edit.all(entityPermission)) {
        if (fields.entity_id === entry.id) edit.discard(entityPermission, id)
      }
    },
  },
)

/** An endpoint begins with a slash, which a caller may leave out; `*` alone is any path. */
function addSlash(body: Body): Body {
  const { endpoint } = body
  if (typeof endpoint !== 'string' || endpoint === '*' || endpoint === '') return body
  return { ...body, endpoint: `/${endpoint.replace(/^\/+/, '')}` }
}

const isReached = (roleWorkspace: string | null, workspace: string): boolean =>
  roleWorkspace === defaultWorkspace.id || roleWorkspace === workspace
