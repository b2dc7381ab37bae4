import { z } from 'zod'
import { optional } from '../../entities/fields.ts'
import { referenceable } from '../../entities/referenceable-fields.ts'
import { isReference } from '../../entities/secret-reference.ts'
import { anonymousSetting } from '../authentication/settings.ts'

const headerName = z.string().regex(/^[A-Za-z0-9_-]+$/, { error: 'expected a header name' })

export const settings = z.strictObject({
  introspection_url: z
    .string()
    .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
      error: 'expected an http or https URL',
    })
    .describe('Introspection endpoint of the authorization server.'),
  authorization_value: referenceable(z.string().min(1))
    .refine((text) => isReference(text) || /^[\x20-\x7e]+$/.test(text), {
      error: 'expected a header value',
    })
    .describe('Authorization header of requests to it, such as `Basic …`.'),
  token_type_hint: optional(z.string()).describe('`token_type_hint` of these requests.'),
  custom_introspection_headers: z
    .record(headerName, z.string().regex(/^[\x20-\x7e]*$/, { error: 'expected a header value' }))
    .default({})
    .describe('Further headers of these requests.'),
  introspect_request: z
    .boolean()
    .default(false)
    .describe(
      'Send method and path of the request in X-Request-Http-Method and X-Request-Path. Answers are then kept for each of them.',
    ),
  ttl: z
    .number()
    .min(0)
    .default(30)
    .describe(
      'Seconds for which an answer is kept, at most until the token expires. 0 keeps it until then, and not at all for a token without expiry.',
    ),
  timeout: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Milliseconds to wait for the authorization server, which is unavailable then.'),
  keepalive: z.int().min(0).default(60_000).describe('Accepted for Kong, without effect.'),
  consumer_by: z
    .enum(['username', 'client_id'])
    .default('username')
    .describe(
      'Claim that names the consumer: `username` is compared with usernames, `client_id` with custom ids. Tokens of no consumer are accepted without one.',
    ),
  custom_claims_forward: z
    .array(z.string().regex(/^[A-Za-z0-9_-]+$/, { error: 'expected a claim name' }))
    .default([])
    .describe('Further claims that the service receives, in X-Credential-{claim}.'),
  hide_credentials: z
    .boolean()
    .default(true)
    .describe('Remove the token from the forwarded request.'),
  anonymous: anonymousSetting('a valid token'),
  run_on_preflight: z.boolean().default(true).describe('Authenticate OPTIONS requests too.'),
})

export type Settings = z.output<typeof settings>
