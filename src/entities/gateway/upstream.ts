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

/** A field name or cookie name, in Kong's narrow alphabet. */
const token = (kind: 'header' | 'cookie') =>
  z.string().regex(/^[\w-]+$/, {
    error: (issue) =>
      `bad ${kind} name '${String(issue.input)}', allowed characters are A-Z, a-z, 0-9, '_', and '-'`,
  })

const cookiePath = () => z.string().startsWith('/', { error: 'should start with: /' }).default('/')

const name = z.string().superRefine((value, context) => {
  const complaint = nameComplaint(value)
  if (complaint !== undefined)
    context.addIssue({ code: 'custom', message: `Invalid name ('${value}'); ${complaint}` })
})

const hostHeader = z.string().refine((value) => parseTarget(value) !== undefined, {
  error: (issue) => `invalid value: ${String(issue.input)}`,
})

/** A pool of targets under one virtual host name. */
export const upstream = defineEntity(
  {
    name: 'upstream',
    plural: 'upstreams',
    about: 'A pool of targets under one virtual host name.',
    key: 'name',
    unique: ['name'],
    merged: ['healthchecks'],
    refersTo: { client_certificate: 'certificate' },
    fields: z.strictObject({
      name: name.describe('The host that services use to mean this pool.'),
      algorithm: z
        .enum([
          'round-robin',
          'least-connections',
          'latency',
          'consistent-hashing',
          'sticky-sessions',
        ])
        .default('round-robin')
        .describe('How a target is picked.'),
      hash_on: hashInput().describe(
        'What decides the target; anything but none means consistent-hashing.',
      ),
      hash_fallback: hashInput().describe('What decides when a request lacks that.'),
      hash_on_header: optional(token('header')),
      hash_fallback_header: optional(token('header')),
      hash_on_cookie: optional(token('cookie')).describe(
        'A client without this cookie is given one.',
      ),
      hash_on_cookie_path: cookiePath(),
      hash_on_query_arg: optional(z.string().min(1)),
      hash_fallback_query_arg: optional(z.string().min(1)),
      hash_on_uri_capture: optional(z.string().min(1)),
      hash_fallback_uri_capture: optional(z.string().min(1)),
      sticky_sessions_cookie: optional(token('cookie')).describe(
        'Cookie that keeps a client at its target.',
      ),
      sticky_sessions_cookie_path: cookiePath(),
      slots: between(10, 65_536)
        .default(10_000)
        .describe('Parts into which consistent-hashing divides its inputs.'),
      healthchecks,
      host_header: optional(hostHeader).describe(
        'Host to send to the targets instead of their own.',
      ),
      client_certificate: optional(reference()).describe(
        'The certificate to show when a target asks who calls.',
      ),
      use_srv_name: z
        .boolean()
        .default(false)
        .describe('Send the name of a target’s SRV record as its Host.'),
      tags: tags(),
    }),
    check: checkHashing,
  },
  {
    // As Kong concludes: an input to hash means consistent-hashing, and least-connections means no input.
    normalize(body) {
      const { hash_on: hashOn, algorithm } = body
      if (typeof hashOn === 'string' && hashOn !== 'none')
        return { ...body, algorithm: 'consistent-hashing' }
      if (hashOn === 'none' && algorithm === undefined) return { ...body, algorithm: 'round-robin' }
      return algorithm === 'least-connections' ? { ...body, hash_on: 'none' } : body
    },
  },
)

function nameComplaint(value: string): string | undefined {
  if (/^[^:[\]]+:\d+$/.test(value)) return 'no port allowed'
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(value) || value.includes(':')) return 'no ip addresses allowed'
  return isHost(value) ? undefined : 'must be a valid hostname'
}
