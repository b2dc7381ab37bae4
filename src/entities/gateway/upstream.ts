import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { between, isHost, optional, reference, tags } from '../fields.ts'
import { healthchecks } from './healthchecks.ts'
import { checkHashing } from './hashing.ts'
import { parseTarget } from '../target-address.ts'

const hashInput = () =>
  z
    .enum(['none', 'consumer', 'ip', 'header', 'cookie', 'path', 'query_arg', 'uri_capture'])
    .default('none')

/** A header or cookie name, with the characters that Kong allows. */
const token = (kind: 'header' | 'cookie') =>
  z.string().regex(/^[\w-]+$/, {
    error: (issue) =>
      `bad ${kind} name '${String(issue.input)}', allowed characters are A-Z, a-z, 0-9, '_', and '-'`,
  })

const cookiePath = () => z.string().startsWith('/', { error: 'should start with: /' }).default('/')

const name = z.string().superRefine((value, context) => {
  const violation = nameViolation(value)
  if (violation !== undefined)
    context.addIssue({ code: 'custom', message: `Invalid name ('${value}'); ${violation}` })
})

const hostHeader = z.string().refine((value) => parseTarget(value) !== undefined, {
  error: (issue) => `invalid value: ${String(issue.input)}`,
})

export const upstream = defineEntity(
  {
    name: 'upstream',
    plural: 'upstreams',
    about: 'A virtual host that balances requests over targets, with health checks.',
    key: 'name',
    unique: ['name'],
    merged: ['healthchecks'],
    refersTo: { client_certificate: 'certificate' },
    fields: z.strictObject({
      name: name.describe(
        'Virtual host name, which services use as `host`. Unique in the workspace.',
      ),
      algorithm: z
        .enum([
          'round-robin',
          'least-connections',
          'latency',
          'consistent-hashing',
          'sticky-sessions',
        ])
        .default('round-robin')
        .describe('Load balancing algorithm.'),
      hash_on: hashInput().describe(
        'Input of consistent hashing. Any value except `none` sets `algorithm` to consistent-hashing.',
      ),
      hash_fallback: hashInput().describe(
        'Input when a request lacks the one of `hash_on`. Not with `hash_on` none or cookie.',
      ),
      hash_on_header: optional(token('header')).describe(
        'Header name. Required when `hash_on` is header.',
      ),
      hash_fallback_header: optional(token('header')).describe(
        'Header name. Required when `hash_fallback` is header.',
      ),
      hash_on_cookie: optional(token('cookie')).describe(
        'Cookie name. Required when `hash_on` or `hash_fallback` is cookie. Set on clients that do not send it.',
      ),
      hash_on_cookie_path: cookiePath().describe('Path attribute of the cookie.'),
      hash_on_query_arg: optional(z.string().min(1)).describe(
        'Query parameter. Required when `hash_on` is query_arg.',
      ),
      hash_fallback_query_arg: optional(z.string().min(1)).describe(
        'Query parameter. Required when `hash_fallback` is query_arg.',
      ),
      hash_on_uri_capture: optional(z.string().min(1)).describe(
        'Named capture of the route’s path. Required when `hash_on` is uri_capture.',
      ),
      hash_fallback_uri_capture: optional(z.string().min(1)).describe(
        'Named capture of the route’s path. Required when `hash_fallback` is uri_capture.',
      ),
      sticky_sessions_cookie: optional(token('cookie')).describe(
        'Name of the cookie that binds a client to a target. Required for sticky-sessions.',
      ),
      sticky_sessions_cookie_path: cookiePath().describe(
        'Path attribute of the sticky-sessions cookie.',
      ),
      slots: between(10, 65_536)
        .default(10_000)
        .describe('Number of slots of the consistent-hashing ring.'),
      healthchecks,
      host_header: optional(hostHeader).describe(
        'Host header for requests to the targets. Default: the host of the target.',
      ),
      client_certificate: optional(reference()).describe(
        'Client certificate for TLS to the targets. Takes precedence over that of the service.',
      ),
      use_srv_name: z
        .boolean()
        .default(false)
        .describe('Use the name in the SRV record of a target as the Host header.'),
      tags: tags(),
    }),
    check: checkHashing,
  },
  {
    // As in Kong, an input to hash implies consistent-hashing, and least-connections implies no input.
    normalize(body) {
      const { hash_on: hashOn, algorithm } = body
      if (typeof hashOn === 'string' && hashOn !== 'none')
        return { ...body, algorithm: 'consistent-hashing' }
      if (hashOn === 'none' && algorithm === undefined) return { ...body, algorithm: 'round-robin' }
      return algorithm === 'least-connections' ? { ...body, hash_on: 'none' } : body
    },
  },
)

function nameViolation(value: string): string | undefined {
  if (/^[^:[\]]+:\d+$/.test(value)) return 'no port allowed'
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(value) || value.includes(':')) return 'no ip addresses allowed'
  return isHost(value) ? undefined : 'must be a valid hostname'
}
