import { z } from 'zod'
import { referenceable } from '../../entities/referenceable-fields.ts'
import { optional } from '../../entities/fields.ts'
import { connectionFields } from '../redis/connection-settings.ts'
import { texts, url } from './setting-forms.ts'
import { tokenExchange } from './exchange-settings.ts'
import { browserSettings } from './browser-settings.ts'
import { unsupportedSettings } from './unsupported-settings.ts'

export const authMethods = [
  'bearer',
  'introspection',
  'userinfo',
  'refresh_token',
  'password',
  'client_credentials',
  'session',
  'authorization_code',
] as const

/** A method of Kong for which nothing is done. */
const idleMethods = ['kong_oauth2'] as const

/** Each has the cost of a plugin. */
const maxClients = 16

const path = (...names: string[]) => z.array(z.string().min(1)).min(1).default(names)
const headerName = () =>
  z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'expected a header name' })
/** `authorization:bearer` sends the scheme before the token. */
const tokenHeader = () =>
  z.string().regex(/^[!#$%&'*+.^_`|~\w-]+(?::bearer)?$/i, {
    error: 'expected a header name, which `:bearer` may follow',
  })
const places = ['header', 'query', 'body'] as const
const placesOf = (what: string) =>
  z
    .array(z.enum(places))
    .default([...places])
    .describe(`Where to look for ${what}.`)

const endpoint = (what: string) =>
  url().nullable().default(null).describe(`${what} Discovered when null.`)

const required = (what: string, claim: string) =>
  texts().describe(
    `${what} that the claim in \`${claim}\` must have, else 403. One entry of the list is enough; an entry with spaces demands each of its words.`,
  )

const possession = (proof: string) =>
  z
    .enum(['off', 'optional', 'strict'])
    .default('off')
    .describe(
      `Tokens that are bound to a key need ${proof}: \`optional\` checks bound tokens, \`strict\` refuses other tokens.`,
    )

const unusedRecord = () =>
  z
    .record(z.string(), z.unknown())
    .nullable()
    .default(null)
    .describe('Accepted for Kong; has no effect, because verified tokens are kept in each worker.')

export const settings = z.strictObject({
  issuer: referenceable(url()).describe(
    'Issuer of the tokens, or the URL of its discovery document. A document that names another issuer is refused, unless `issuers_allowed` has that one.',
  ),
  auth_methods: z
    .array(z.enum([...authMethods, ...idleMethods]))
    .default(['bearer', 'introspection', 'userinfo', 'password', 'client_credentials'])
    .describe(
      'How callers may authenticate, in this order: `bearer` (a JWT, verified by the keys of the issuer), `introspection` and `userinfo` (other tokens, checked by the provider), `refresh_token`, `password` and `client_credentials` (exchanged for a token), `authorization_code` and `session` (people sign in at the provider, and a session keeps their tokens). `kong_oauth2` has no effect.',
    ),
  issuers_allowed: texts().describe(
    'Issuers whose tokens are accepted. Only the discovered issuer when null.',
  ),
  extra_jwks_uris: z
    .array(referenceable(url()))
    .nullable()
    .default(null)
    .describe(
      'Further key sets. One whose URL begins with an allowed issuer, or else has its origin, verifies tokens of that issuer only.',
    ),
  rediscovery_lifetime: z
    .number()
    .min(0)
    .default(30)
    .describe(
      'Seconds between two attempts to read the discovery document or a key set again, because it is unavailable or because a token names an unknown key.',
    ),
  token_endpoint: endpoint('Token endpoint.'),
  introspection_endpoint: referenceable(endpoint('Introspection endpoint.')),
  userinfo_endpoint: endpoint('Userinfo endpoint.'),
  ssl_verify: z
    .boolean()
    .default(true)
    .describe('Verify the certificate of the provider. Kong does not by default before 3.14.'),
  timeout: z.int().min(1).default(10_000).describe('Milliseconds to wait for the provider.'),
  client_id: z
    .array(referenceable(z.string().min(1)))
    .min(1)
    .max(maxClients)
    .nullable()
    .default(null)
    .describe(
      'Ids of the clients as which the gateway is registered. With several, a request chooses one by `client_arg`.',
    ),
  client_secret: z
    .array(referenceable(z.string().min(1)))
    .min(1)
    .max(maxClients)
    .nullable()
    .default(null)
    .describe('Secrets of the clients, in the same order.'),
  client_auth: z
    .array(z.enum(['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'none']))
    .min(1)
    .max(maxClients)
    .nullable()
    .default(null)
    .describe(
      'How the clients authenticate; one entry is for all. client_secret_basic when null, or none without a secret.',
    ),
  client_arg: headerName()
    .default('client_id')
    .describe(
      'Query parameter or header in which a request names one of several clients; the first client otherwise. Browsers keep the client of their session.',
    ),
  scopes: z
    .array(referenceable(z.string().min(1)))
    .default(['openid'])
    .describe('Scopes to request.'),
  audience: texts().describe('Audience to request with `password` and `client_credentials`.'),
  token_exchange: tokenExchange,
  bearer_token_param_type: z
    .array(z.enum([...places, 'cookie']))
    .default([...places])
    .describe(
      'Where to look for a token: `header` (Authorization), `query` and `body` (`access_token` in the query or in a URL-encoded form of at most 64 KiB), `cookie`.',
    ),
  bearer_token_cookie_name: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('Cookie with the token, for `cookie`.'),
  refresh_token_param_name: headerName()
    .nullable()
    .default(null)
    .describe(
      'Name of the header or parameter with a refresh token, for the method `refresh_token`. Not looked for when null.',
    ),
  refresh_token_param_type: placesOf('a refresh token'),
  password_param_type: placesOf(
    'user names and passwords: `header` (Basic), or `username` and `password` in `query` or `body`',
  ),
  client_credentials_param_type: placesOf(
    'credentials of clients: `header` (Basic), or `client_id` and `client_secret` in `query` or `body`',
  ),
  leeway: z.number().min(0).default(0).describe('Seconds by which clocks may differ.'),
  enable_hs_signatures: z
    .boolean()
    .default(false)
    .describe(
      'Accept signatures by HS256, HS384 and HS512 with the secret of the client, and never with a public key.',
    ),
  introspect_jwt_tokens: z
    .boolean()
    .default(false)
    .describe('Ask the provider whether a verified JWT is still active.'),
  introspection_hint: z
    .string()
    .default('access_token')
    .describe('`token_type_hint` of introspection requests.'),
  search_user_info: z
    .boolean()
    .default(false)
    .describe('Look for claims in the answer of the userinfo endpoint too.'),
  proof_of_possession_dpop: possession('a proof in the header DPoP (RFC 9449)'),
  proof_of_possession_mtls: possession('the client certificate of the connection (RFC 8705)'),
  proof_of_possession_auth_methods_validation: z
    .boolean()
    .default(true)
    .describe(
      'Refuse `auth_methods` for which there is no proof of possession; it is checked for `bearer` and `introspection`.',
    ),
  dpop_use_nonce: z
    .boolean()
    .default(false)
    .describe(
      'Demand a nonce of the gateway in proofs, from the header DPoP-Nonce of a 401 response.',
    ),
  dpop_proof_lifetime: z
    .number()
    .min(1)
    .max(86_400)
    .default(300)
    .describe('Seconds for which a proof is accepted, once.'),
  scopes_claim: path('scope').describe('Path of the claim with the scopes.'),
  scopes_required: required('Scopes', 'scopes_claim'),
  audience_claim: path('aud').describe('Path of the claim with the audience.'),
  audience_required: required('Audiences', 'audience_claim'),
  groups_claim: path('groups').describe('Path of the claim with the groups.'),
  groups_required: required('Groups', 'groups_claim'),
  roles_claim: path('roles').describe(
    'Path of the claim with the roles, for example `realm_access`, `roles` for Keycloak.',
  ),
  roles_required: required('Roles', 'roles_claim'),
  claims_forbidden: texts().describe('Claims that a token must not have, else 403.'),
  authenticated_groups_claim: texts().describe(
    'Path of the claim with groups for the plugin acl and for the event of the request.',
  ),
  consumer_claim: texts().describe(
    'Path of the claim by whose value a consumer is found. No consumer is needed when null.',
  ),
  consumer_by: z
    .array(z.enum(['id', 'username', 'custom_id']))
    .min(1)
    .default(['username', 'custom_id'])
    .describe('Fields of consumers that are compared with `consumer_claim`.'),
  consumer_optional: z
    .boolean()
    .default(false)
    .describe('Accept tokens to which no consumer is mapped; else 403.'),
  consumer_groups_claim: texts().describe(
    'Path of the claim with names of consumer groups, whose plugins apply instead of those of the groups of the consumer. Names of no group count for nothing.',
  ),
  consumer_groups_optional: z
    .boolean()
    .default(false)
    .describe('Accept tokens that name no consumer group; else 403.'),
  credential_claim: path('sub').describe(
    'Path of the claim that identifies the credential, for example for rate limits.',
  ),
  anonymous: z
    .string()
    .nullable()
    .default(null)
    .describe(
      'Id or username of the consumer for requests that cannot be authenticated. Such requests are answered 401 when null.',
    ),
  upstream_access_token_header: tokenHeader()
    .nullable()
    .default('authorization:bearer')
    .describe('Header of the forwarded request for the access token. None when null.'),
  upstream_id_token_header: tokenHeader()
    .nullable()
    .default(null)
    .describe('Header of the forwarded request for the ID token.'),
  upstream_refresh_token_header: tokenHeader()
    .nullable()
    .default(null)
    .describe('Header of the forwarded request for the refresh token.'),
  upstream_user_info_header: headerName()
    .nullable()
    .default(null)
    .describe('Header of the forwarded request for the user info, as JSON in base64.'),
  upstream_introspection_header: headerName()
    .nullable()
    .default(null)
    .describe('Header of the forwarded request for the introspection, as JSON in base64.'),
  upstream_headers_claims: texts().describe(
    'Claims to forward, in the headers of `upstream_headers_names`. Lists and objects are JSON in base64.',
  ),
  upstream_headers_names: z
    .array(headerName())
    .nullable()
    .default(null)
    .describe(
      'Headers for `upstream_headers_claims`. Those that a client sends are removed, whether or not the token has the claim.',
    ),
  downstream_access_token_header: tokenHeader()
    .nullable()
    .default(null)
    .describe('Header of the response for the access token.'),
  downstream_id_token_header: tokenHeader()
    .nullable()
    .default(null)
    .describe('Header of the response for the ID token.'),
  downstream_refresh_token_header: tokenHeader()
    .nullable()
    .default(null)
    .describe(
      'Header of the response for the refresh token, which clients of the method `refresh_token` need where the provider rotates them.',
    ),
  downstream_headers_claims: texts().describe(
    'Claims to send in the response, in the headers of `downstream_headers_names`.',
  ),
  downstream_headers_names: z
    .array(headerName())
    .nullable()
    .default(null)
    .describe('Headers for `downstream_headers_claims`.'),
  hide_credentials: z
    .boolean()
    .default(true)
    .describe(
      'Remove credentials from the forwarded request. The access token is forwarded in `upstream_access_token_header` nevertheless. Kong keeps them by default before 3.14.',
    ),
  cache_ttl: z
    .number()
    .min(0)
    .default(3600)
    .describe(
      'Seconds for which a token counts as verified at most, or less if it expires before.',
    ),
  cache_ttl_max: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe('Limit of `cache_ttl`, in seconds.'),
  cache_introspection: z.boolean().default(true).describe('Cache answers of introspection.'),
  cache_tokens: z
    .boolean()
    .default(true)
    .describe('Cache the tokens of `password` and `client_credentials` until they expire.'),
  cache_user_info: z.boolean().default(true).describe('Cache answers of the userinfo endpoint.'),
  run_on_preflight: z.boolean().default(true).describe('Authenticate OPTIONS requests too.'),
  unauthorized_error_message: z
    .string()
    .default('Unauthorized')
    .describe('Message of 401 responses.'),
  forbidden_error_message: z.string().default('Forbidden').describe('Message of 403 responses.'),
  redis: z
    .strictObject({
      ...connectionFields,
      prefix: optional(z.string()).describe('Beginning of the names of keys.'),
      socket: optional(z.null({ error: 'Unix sockets are not supported' })).describe(
        'Accepted for Kong; Unix sockets are not supported.',
      ),
    })
    .nullable()
    .default(null)
    .describe('Where Redis is, for `session_storage`.'),
  cluster_cache_redis: unusedRecord(),
  ...browserSettings,
  ...unsupportedSettings,
})

export type Settings = z.output<typeof settings>
