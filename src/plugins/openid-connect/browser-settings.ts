import { z } from 'zod'
import { referenceable } from '../../entities/referenceable-fields.ts'
import { url } from './setting-forms.ts'

const cookieName = () => z.string().regex(/^[\w-]+$/, { error: 'expected a cookie name' })
const cookiePath = () =>
  z.string().regex(/^\/[\w./~-]*$/, { error: 'expected a path that begins with /' })
const cookieDomain = () =>
  z
    .string()
    .regex(/^[\w.-]+$/, { error: 'expected a domain' })
    .nullable()
    .default(null)
const sameSite = () => z.enum(['Default', 'Lax', 'None', 'Strict'])
const seconds = () => z.number().min(0)
const urls = () => z.array(referenceable(url())).min(1).max(16).nullable().default(null)

/** Settings of the flow for people with browsers. */
export const browserSettings = {
  redirect_uri: urls().describe(
    'Address to which the provider sends people back, for each client or one for all. The address of the request without its query when null.',
  ),
  authorization_endpoint: url()
    .nullable()
    .default(null)
    .describe('Authorization endpoint. Discovered when null.'),
  end_session_endpoint: url()
    .nullable()
    .default(null)
    .describe('Endpoint for signing out. Discovered when null.'),
  login_action: z
    .enum(['upstream', 'redirect'])
    .default('upstream')
    .describe(
      'Where people are after they signed in: `upstream` (the page that they wanted) or `redirect` (`login_redirect_uri`).',
    ),
  login_redirect_uri: urls().describe('Page after a sign-in, for `redirect`.'),
  logout_uri_suffix: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Requests whose path ends with it sign out. The provider sends its back-channel logout there too.',
    ),
  logout_revoke: z
    .boolean()
    .default(false)
    .describe('Revoke the tokens of the session at the provider when a person signs out.'),
  logout_revoke_access_token: z
    .boolean()
    .default(true)
    .describe('Whether `logout_revoke` revokes the access token.'),
  logout_revoke_refresh_token: z
    .boolean()
    .default(true)
    .describe('Whether `logout_revoke` revokes the refresh token.'),
  revocation_endpoint: url()
    .nullable()
    .default(null)
    .describe('Endpoint for revoking tokens. Discovered when null.'),
  logout_query_arg: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('Requests with this query parameter sign out.'),
  logout_methods: z
    .array(z.enum(['POST', 'GET', 'DELETE']))
    .default(['POST', 'DELETE'])
    .describe('Methods of requests that sign out.'),
  logout_redirect_uri: urls().describe('Page after a sign-out, which the provider must know.'),
  refresh_tokens: z
    .boolean()
    .default(true)
    .describe(
      'Refresh the tokens of sessions before they expire, where the provider issues refresh tokens. Without one, a session ends with its access token.',
    ),
  session_secret: referenceable(z.string().min(16))
    .nullable()
    .default(null)
    .describe(
      'Secret of at least 16 characters by which cookies are encrypted, the same on all nodes. Required by `session` and `authorization_code`.',
    ),
  session_storage: z
    .enum(['cookie', 'redis', 'memcached'])
    .refine((storage) => storage !== 'memcached', { error: 'expected cookie or redis' })
    .default('cookie')
    .describe(
      'Where sessions are kept: `cookie` (encrypted in the browser), or `redis` (encrypted in Redis, shared by all nodes, and only an id in the cookie).',
    ),
  session_audience: z
    .string()
    .default('default')
    .describe('Sessions are valid for plugins with the same issuer, client, secret and audience.'),
  session_cookie_name: cookieName()
    .default('session')
    .describe(
      'Name of the session cookie. `__Host-` is put before it where the cookie is secure, has no domain and the path /.',
    ),
  session_cookie_path: cookiePath().default('/').describe('Path of the session cookie.'),
  session_cookie_domain: cookieDomain().describe('Domain of the session cookie.'),
  session_cookie_same_site: sameSite().default('Lax').describe('SameSite of the session cookie.'),
  session_cookie_http_only: z
    .boolean()
    .default(true)
    .describe('Keep the session cookie from scripts.'),
  session_cookie_secure: z
    .boolean()
    .nullable()
    .default(null)
    .describe('Send the session cookie by https only. For requests by https when null.'),
  session_idling_timeout: seconds()
    .default(900)
    .describe('Seconds after which a session that is not used ends. 0 for no such limit.'),
  session_rolling_timeout: seconds()
    .default(3600)
    .describe(
      'The same as `session_idling_timeout`; the shorter of both counts. 0 for no such limit.',
    ),
  session_absolute_timeout: seconds()
    .default(86_400)
    .describe(
      'Seconds after which a session ends, from the sign-in. At most 30 days, also when 0.',
    ),
  authorization_cookie_name: cookieName()
    .default('authorization')
    .describe('Beginning of the names of cookies that keep a sign-in until the person is back.'),
  authorization_cookie_path: cookiePath().default('/').describe('Path of these cookies.'),
  authorization_cookie_domain: cookieDomain().describe('Domain of these cookies.'),
  authorization_cookie_same_site: sameSite()
    .default('Default')
    .describe('SameSite of these cookies; `Default` is Lax.'),
  authorization_cookie_http_only: z
    .boolean()
    .default(true)
    .describe('Keep these cookies from scripts.'),
  authorization_cookie_secure: z
    .boolean()
    .nullable()
    .default(null)
    .describe('Send these cookies by https only. For requests by https when null.'),
  authorization_rolling_timeout: z
    .number()
    .min(1)
    .default(600)
    .describe('Seconds that a person has to sign in.'),
}
