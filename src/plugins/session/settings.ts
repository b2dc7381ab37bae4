import { z } from 'zod'
import { optional } from '../../entities/fields.ts'
import { referenceable } from '../../entities/referenceable-fields.ts'

const unused = 'Accepted for Kong, without effect.'
const seconds = (initial: number) => z.number().min(0).default(initial)
const fieldNames = z
  .array(
    z.enum([
      'id',
      'audience',
      'subject',
      'timeout',
      'idling-timeout',
      'rolling-timeout',
      'absolute-timeout',
    ]),
  )
  .max(0, { error: 'headers with the contents of sessions are not supported' })
  .nullable()
  .default(null)

export const settings = z.strictObject({
  secret: referenceable(z.string().min(16)).describe(
    'Secret of at least 16 characters by which cookies are encrypted, the same on all nodes. Kong generates one when it is missing.',
  ),
  storage: z
    .enum(['cookie', 'kong'])
    .default('cookie')
    .refine((storage) => storage === 'cookie', { error: 'sessions are kept in cookies only' })
    .describe('Must be cookie: the session is in the cookie, and in no store.'),
  audience: z
    .string()
    .default('default')
    .describe('Sessions are valid for plugins of the workspace with the same secret and audience.'),
  idling_timeout: seconds(900).describe(
    'Seconds without a request after which a session ends; 0 for none.',
  ),
  rolling_timeout: seconds(3600).describe(
    'Seconds after which a session ends unless requests renew it; 0 for none.',
  ),
  absolute_timeout: seconds(86_400).describe(
    'Seconds after which a session ends in any case; 0 for none.',
  ),
  stale_ttl: seconds(10).describe(unused),
  cookie_name: z
    .string()
    .regex(/^[\w-]+$/, { error: 'expected a cookie name' })
    .default('session')
    .describe(
      'Name of the cookie. `__Host-` is put before it where the cookie is secure, has no domain and the path /.',
    ),
  cookie_path: z
    .string()
    .regex(/^\/[\w./~-]*$/, { error: 'expected a path that begins with /' })
    .default('/')
    .describe('Path of the cookie.'),
  cookie_domain: optional(z.string().regex(/^[\w.-]+$/, { error: 'expected a domain' })).describe(
    'Domain of the cookie.',
  ),
  cookie_same_site: z
    .enum(['Strict', 'Lax', 'None', 'Default'])
    .default('Strict')
    .describe('SameSite of the cookie; `Default` is Lax.'),
  cookie_http_only: z.boolean().default(true).describe('Keep the cookie from scripts.'),
  cookie_secure: z.boolean().default(true).describe('Send the cookie by https only.'),
  remember: z
    .boolean()
    .default(false)
    .refine((remember) => !remember, { error: 'persistent sessions are not supported' })
    .describe('Must be false. Longer timeouts make longer sessions.'),
  remember_cookie_name: z.string().default('remember').describe(unused),
  remember_rolling_timeout: seconds(604_800).describe(unused),
  remember_absolute_timeout: seconds(2_592_000).describe(unused),
  response_headers: fieldNames.describe('Must be empty.'),
  request_headers: fieldNames.describe('Must be empty.'),
  read_body_for_logout: z
    .boolean()
    .default(false)
    .describe('Look for `logout_post_arg` in forms and JSON objects of at most 64 KiB.'),
  logout_methods: z
    .array(z.enum(['POST', 'GET', 'DELETE']))
    .default(['POST', 'DELETE'])
    .describe('Methods of requests that sign out.'),
  logout_query_arg: z
    .string()
    .min(1)
    .default('session_logout')
    .describe('Requests with this query parameter sign out.'),
  logout_post_arg: z
    .string()
    .min(1)
    .default('session_logout')
    .describe('Requests with this parameter in their body sign out.'),
  hash_subject: z.boolean().default(false).describe(unused),
  store_metadata: z.boolean().default(false).describe(unused),
})

export type Settings = z.output<typeof settings>
