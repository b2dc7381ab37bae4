import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { between, optional, reference } from './fields.ts'

/** Kinds of principals that configuration knows; consumers, nodes and workloads are principals of their own kind elsewhere. */
export const principalKind = z.enum(['user', 'service-account', 'agent'])

/** Who calls the Admin API or asks a question. Public paths are under /rbac/users. */
export const principal = defineEntity({
  name: 'principal',
  plural: 'rbac/users',
  about: 'Who calls the Admin API or asks a question.',
  inWorkspace: false,
  key: 'name',
  unique: ['name'],
  secret: ['password'],
  fields: z.strictObject({
    name: z.string().min(1),
    kind: principalKind.default('user'),
    enabled: z.boolean().default(true),
    comment: optional(z.string()),
    email: optional(z.email()),
    custom_id: optional(z.string().min(1)).describe(
      'The id of this principal in your own systems.',
    ),
    groups: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'Groups that the identity provider named at the last sign-in; each gives its roles.',
      ),
    password: z
      .string()
      .min(8)
      .optional()
      .describe('For signing in to the Manager; stored as an scrypt hash, never answered.'),
  }),
})

/** A role given to a principal. The role carries its workspace. Public paths are under /rbac/users/{user}/roles. */
export const grant = defineEntity({
  name: 'grant',
  plural: 'rbac/grants',
  about: 'A role given to a principal.',
  inWorkspace: false,
  refersTo: { principal: 'principal', role: 'role' },
  belongsTo: 'principal',
  cascades: ['role'],
  unique: [['principal', 'role']],
  fields: z.strictObject({ principal: reference(), role: reference() }),
})

/** A secret by which a principal is known at the Admin API. Stored as SHA-256, answered once. Public paths are under /rbac/users/{user}/tokens. */
export const token = defineEntity({
  name: 'token',
  plural: 'rbac/tokens',
  nestedAs: 'tokens',
  about: 'A secret by which a principal is known at the Admin API.',
  inWorkspace: false,
  refersTo: { principal: 'principal' },
  belongsTo: 'principal',
  unique: ['token'],
  secret: ['token'],
  made: ['token'],
  fields: z.strictObject({
    principal: reference(),
    name: optional(z.string().min(1)),
    token: z.string().min(16).optional().describe('Made when absent.'),
    expires_at: optional(between(0, 2 ** 40)).describe('Seconds since the epoch; never when null.'),
  }),
})

/** A stored principal, without its password. */
export type Principal = Stored<Omit<z.output<typeof principal.fields>, 'password'>>
/** A stored grant. */
export type Grant = Stored<{ principal: { id: string }; role: { id: string } }>
/** A stored token, without its secret. */
export type Token = Stored<Omit<z.output<typeof token.fields>, 'token' | 'principal'>> & {
  principal: { id: string }
}
