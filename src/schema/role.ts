import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { optional, reference, uuid } from './fields.ts'

/** What may be done to a thing, in Kong's words. */
export const action = z.enum(['create', 'read', 'update', 'delete'])

/** One of Kong's four actions. */
export type Action = z.output<typeof action>

/** Actions as Kong takes them: a list, or text with commas; `*` means all four. */
export const actions = () =>
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
export const endpointPermission = defineEntity({
  name: 'endpoint-permission',
  plural: 'rbac/endpoints',
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
})

/** What a role allows or forbids on one entity. Public paths are under /rbac/roles/{role}/entities. */
export const entityPermission = defineEntity({
  name: 'entity-permission',
  plural: 'rbac/entities',
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
})

/** A stored role. */
export type Role = Stored<z.output<typeof role.fields>>
/** A stored endpoint permission. */
export type EndpointPermission = Stored<
  Omit<z.output<typeof endpointPermission.fields>, 'role'>
> & { role: { id: string } }
/** A stored entity permission. */
export type EntityPermission = Stored<Omit<z.output<typeof entityPermission.fields>, 'role'>> & {
  role: { id: string }
}
