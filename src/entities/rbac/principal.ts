import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import type { AnyOperation } from '../hooks.ts'
import { schemaViolation } from '../kong-problem.ts'
import { violationsOf } from '../violations.ts'
import { between, optional, reference } from '../fields.ts'

/** Kinds of principals that configuration knows; consumers, nodes and workloads are principals of their own kind elsewhere. */
const principalKind = z.enum(['user', 'service-account', 'agent'])

/** A secret by which a principal is known at the Admin API. Stored as SHA-256, answered once. Public paths are under /rbac/users/{user}/tokens. */
export const token = defineEntity(
  {
    name: 'token',
    plural: 'rbac/tokens',
    nestedAs: 'tokens',
    about: 'A secret by which a principal is known at the Admin API.',
    inWorkspace: false,
    refersTo: { principal: 'principal' },
    belongsTo: 'principal',
    unique: ['token'],
    secret: ['token'],
    generated: ['token'],
    withoutRoutes: ['own', 'nested'],
    fields: z.strictObject({
      principal: reference(),
      name: optional(z.string().min(1)),
      token: z.string().min(16).optional().describe('Made when absent.'),
      expires_at: optional(between(0, 2 ** 40)).describe(
        'Seconds since the epoch; never when null.',
      ),
    }),
  },
  {
    hashSecret: (_field, clear, _fields, tools) => tools.hashSecret(clear),
    describe: ({ fields: { name } }, nameOf) =>
      `${name === null ? '' : `${name} `}of ${nameOf('principal')}`,
  },
)

const password = z
  .string()
  .min(8)
  .optional()
  .describe('For signing in to the Manager; stored as an scrypt hash, never answered.')

/** The token that stands in the body of Kong's users. */
const userTokenName = 'user_token'

/** Who calls the Admin API or asks a question. Public paths are under /rbac/users. */
export const principal = defineEntity(
  {
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
      password: password,
    }),
  },
  {
    async prepare(body, tools) {
      const given = body['password'] ?? undefined
      if (given === undefined) return body
      const parsed = z.object({ password }).safeParse({ password: given })
      if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
      return { ...body, password: await tools.hashPassword(parsed.data.password ?? '') }
    },
    expandOperation(operation, { known, lookup }) {
      const { user_token: given, ...body } = operation.body ?? {}
      if (given === undefined || given === null) return { operations: [operation], asks: [] }
      const within = known && { field: 'principal', id: known.id }
      const old = within && lookup.list(token, { workspace: null, within }).find(isUserToken)
      const name = body['name'] ?? known?.fields.name ?? operation.at ?? ''
      return {
        operations: [{ ...operation, body }, putUserToken(name, given, old?.id)],
        asks: [],
      }
    },
    endsSessions: (before, after) =>
      before?.fields.password !== after?.fields.password || after?.fields.enabled === false,
  },
)

/** A role given to a principal. The role carries its workspace. Public paths are under /rbac/users/{user}/roles. */
export const grant = defineEntity(
  {
    name: 'grant',
    plural: 'rbac/grants',
    about: 'A role given to a principal.',
    inWorkspace: false,
    refersTo: { principal: 'principal', role: 'role' },
    belongsTo: 'principal',
    cascades: ['role'],
    withoutRoutes: ['own', 'nested'],
    unique: [['principal', 'role']],
    fields: z.strictObject({ principal: reference(), role: reference() }),
  },
  { describe: (_entry, nameOf) => `of ${nameOf('role')} to ${nameOf('principal')}` },
)

const isUserToken = ({ fields }: { readonly fields: { readonly name: string | null } }): boolean =>
  fields.name === userTokenName

const putUserToken = (name: unknown, secret: unknown, id: string | undefined): AnyOperation => ({
  kind: 'replace',
  entity: token.name,
  workspace: null,
  ...(id === undefined ? {} : { at: id }),
  body: { principal: { name }, name: userTokenName, token: secret },
})
