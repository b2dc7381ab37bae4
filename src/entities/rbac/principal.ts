import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import type { AnyOperation } from '../hooks.ts'
import { schemaViolation } from '../kong-problem.ts'
import { violationsOf } from '../violations.ts'
import { between, optional, reference } from '../fields.ts'

/** Principals of the Admin API. Consumers, nodes and workloads are declared elsewhere. */
const principalKind = z.enum(['user', 'service-account', 'agent'])

/** Stored as SHA-256, answered once. Routes: /rbac/users/{user}/tokens. */
export const token = defineEntity(
  {
    name: 'token',
    plural: 'rbac/tokens',
    nestedAs: 'tokens',
    about: 'A bearer token that authenticates a principal at the Admin API.',
    inWorkspace: false,
    refersTo: { principal: 'principal' },
    belongsTo: 'principal',
    unique: ['token'],
    secret: ['token'],
    generated: ['token'],
    withoutRoutes: ['own', 'nested'],
    fields: z.strictObject({
      principal: reference().describe('The principal that the token authenticates.'),
      name: optional(z.string().min(1)).describe('Label of the token.'),
      token: z
        .string()
        .min(16)
        .optional()
        .describe(
          'The token, at least 16 characters. Generated when omitted; answered once, stored as a hash.',
        ),
      expires_at: optional(between(0, 2 ** 40)).describe(
        'Expiry in seconds since the epoch. Never expires when null.',
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
  .max(1000)
  .optional()
  .describe(
    'Password for the Manager, 8 to 1000 characters. Stored as an scrypt hash, never answered.',
  )

/** The token that Kong accepts as a member of a user. */
const userTokenName = 'user_token'

/** Routes: /rbac/users. */
export const principal = defineEntity(
  {
    name: 'principal',
    plural: 'rbac/users',
    about:
      'A user, service account or agent that calls the Admin API, the query API or the Manager.',
    inWorkspace: false,
    key: 'name',
    unique: ['name'],
    secret: ['password'],
    fields: z.strictObject({
      name: z
        .string()
        .min(1)
        .describe('Unique name, used to sign in and accepted in place of the id in paths.'),
      kind: principalKind
        .default('user')
        .describe('user, service-account, or agent (acts for a user).'),
      enabled: z
        .boolean()
        .default(true)
        .describe('A disabled principal cannot sign in, and its tokens are rejected.'),
      comment: optional(z.string()).describe('Free text.'),
      email: optional(z.email()).describe('Email address.'),
      custom_id: optional(z.string().min(1)).describe('Id of the principal in your own systems.'),
      groups: z
        .array(z.string().min(1))
        .default([])
        .describe(
          'Groups from the last sign-in at the identity provider. The principal has the roles of each.',
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
      if (given === undefined || given === null) return { operations: [operation], aliases: [] }
      const within = known && { field: 'principal', id: known.id }
      const old = within && lookup.list(token, { workspace: null, within }).find(isUserToken)
      const name = body['name'] ?? known?.fields.name ?? operation.at ?? ''
      return {
        operations: [{ ...operation, body }, putUserToken(name, given, old?.id)],
        aliases: [],
      }
    },
    endsSessions: (before, after) =>
      before?.fields.password !== after?.fields.password || after?.fields.enabled === false,
  },
)

/** Global, because the role determines the workspace. Routes: /rbac/users/{user}/roles. */
export const grant = defineEntity(
  {
    name: 'grant',
    plural: 'rbac/grants',
    about: 'A role granted to a principal.',
    inWorkspace: false,
    refersTo: { principal: 'principal', role: 'role' },
    belongsTo: 'principal',
    cascades: ['role'],
    withoutRoutes: ['own', 'nested'],
    unique: [['principal', 'role']],
    fields: z.strictObject({
      principal: reference().describe('The principal that receives the role.'),
      role: reference().describe('The granted role.'),
    }),
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
