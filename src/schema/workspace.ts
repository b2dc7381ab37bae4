import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { entityName, optional } from './fields.ts'

/** A tenant: its own services, routes, consumers, plugins, roles, and its own traffic. */
export const workspace = defineEntity({
  name: 'workspace',
  plural: 'workspaces',
  about: 'A tenant: its own services, routes, consumers, plugins and traffic.',
  inWorkspace: false,
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: entityName().refine((name) => !reservedNames.has(name), {
      error: (issue) =>
        `'${String(issue.input)}' is a path of the Admin API and cannot name a workspace`,
    }),
    comment: optional(z.string()),
    meta: optional(
      z.strictObject({ color: optional(z.string()), thumbnail: optional(z.string()) }),
    ),
    config: optional(z.record(z.string(), z.unknown())),
  }),
})

/** A stored workspace. */
export type Workspace = Stored<z.output<typeof workspace.fields>>

/** The workspace of every path without a workspace prefix; it always exists. */
export const defaultWorkspace = {
  id: '0dc6f45b-8f8d-40d2-a504-473544ee190b',
  name: 'default',
} as const

/** First segments of Admin API paths, which a workspace therefore cannot be called. */
export const reservedNames: ReadonlySet<string> = new Set([
  'acls',
  'api',
  'audit',
  'auth',
  'basic-auths',
  'ca_certificates',
  'cache',
  'certificates',
  'clustering',
  'config',
  'consumer_groups',
  'consumers',
  'debug',
  'endpoints',
  'event-hooks',
  'groups',
  'hmac-auths',
  'jwts',
  'admins',
  'key-auths',
  'key-sets',
  'keys',
  'kong',
  'licenses',
  'metrics',
  'mtls-auths',
  'nodes',
  'oauth2',
  'openapi.json',
  'openid-connect',
  'partials',
  'plugins',
  'rbac',
  'routes',
  'schemas',
  'services',
  'snis',
  'status',
  'tags',
  'timers',
  'upstreams',
  'userinfo',
  'vaults',
  'vitals',
  'workspaces',
])
