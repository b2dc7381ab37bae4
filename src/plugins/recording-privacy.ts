import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { between, optional } from '../entities/fields.ts'
import { referenceable } from '../entities/referenceable-fields.ts'
import type { Clock } from '../lib/clock.ts'
import { truncateAddress } from '../lib/truncate-address.ts'
import { definePlugin } from '../proxy/plugin.ts'

const names = () => z.array(z.string().min(1))

const settings = z.strictObject({
  client_address: z
    .enum(['keep', 'truncate', 'hash', 'remove'])
    .default('truncate')
    .describe('Address of the client.'),
  ipv4_bits: between(0, 32).default(24).describe('Bits of IPv4 addresses that truncate keeps.'),
  ipv6_bits: between(0, 128).default(48).describe('Bits of IPv6 addresses that truncate keeps.'),
  user_agent: z.enum(['keep', 'hash', 'remove']).default('keep').describe('User-Agent.'),
  path: z
    .enum(['keep', 'mask_ids', 'route'])
    .default('keep')
    .describe(
      'Path: mask_ids replaces segments that are numbers, UUIDs, email addresses or long tokens by `:id`; route replaces the path by that of the route.',
    ),
  query: z
    .enum(['keep', 'remove'])
    .default('keep')
    .describe('Query string. Values of secret parameters are always redacted.'),
  redacted_query_parameters: optional(names()).describe('Parameters whose values are redacted.'),
  kept_query_parameters: optional(names()).describe(
    'The only parameters whose values are kept; those of all others are redacted.',
  ),
  hash_key: optional(referenceable(z.string().min(16))).describe(
    'Key of hashes, of at least 16 characters. Required by hash.',
  ),
  hash_rotation_hours: between(1, 8_760)
    .default(24)
    .describe('Hours after which the same value has another hash.'),
})

type Settings = z.output<typeof settings>

const acceptedSettings = settings.superRefine((given, context) => {
  const isHashed = given.client_address === 'hash' || given.user_agent === 'hash'
  if (isHashed && given.hash_key === null)
    context.addIssue({ code: 'custom', path: ['hash_key'], message: 'required field missing' })
})

export const recordingPrivacy = definePlugin({
  name: 'recording-privacy',
  about: 'Removes, truncates or hashes personal data before a request is recorded or exported.',
  settings,
  acceptedSettings,
  prepare(config, { workspace, clock }) {
    const { ipv4_bits: bits4, ipv6_bits: bits6 } = config
    const hash = openHash(config, workspace, clock)
    const changeAddress = {
      keep: undefined,
      truncate: (address: string) => truncateAddress(address, bits4, bits6),
      hash,
      remove: () => '',
    }[config.client_address]
    const changeAgent = { keep: same, hash, remove: () => '' }[config.user_agent]
    const changeQuery = queryChange(config)
    const hidesUri = config.path !== 'keep' || changeQuery !== undefined
    return {
      onRecord(exchange, event) {
        const { client_address: address, user_agent: agent, path, query } = event
        if (changeAddress !== undefined && address !== '')
          // Fields such as X-Forwarded-For have it too.
          exchange.presentedSecrets = [...(exchange.presentedSecrets ?? []), address]
        exchange.hidesUri ||= hidesUri
        return {
          ...event,
          client_address: changeAddress?.(address) ?? address,
          user_agent: agent === '' ? '' : changeAgent(agent),
          path: changePath(config.path, path, event.route_path),
          query: changeQuery?.(query) ?? query,
        }
      },
    }
  },
})

const same = (value: string): string => value

function changePath(mode: Settings['path'], path: string, routePath: string): string {
  if (mode === 'keep') return path
  if (mode === 'route') return routePath
  return path
    .split('/')
    .map((segment) => (isId(segment) ? ':id' : segment))
    .join('/')
}

/** A number, a UUID, an email address, or a long text with digits; encoded ones as well. */
const isId = (segment: string): boolean =>
  /^\d+$/.test(segment) ||
  /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(segment) ||
  /@|%(?:25)*40/i.test(segment) ||
  (segment.length >= 16 && /\d/.test(segment))

function queryChange(config: Settings): ((query: string) => string) | undefined {
  const { query: mode, redacted_query_parameters: redacted, kept_query_parameters: kept } = config
  if (mode === 'remove') return () => ''
  if (redacted === null && kept === null) return undefined
  const [hidden, shown] = [redacted?.map(plainName), kept?.map(plainName)]
  const isKept = (sent: string): boolean => {
    const name = plainName(sent)
    return shown?.includes(name) !== false && hidden?.includes(name) !== true
  }
  return (query) => {
    // An encoded separator would hide parameters in the value of another.
    if (/%(?:25)*(?:26|3b)/i.test(query)) return query === '' ? '' : 'REDACTED'
    return query
      .split(/[&;]/)
      .map((pair) => {
        const [sent = ''] = pair.split('=', 1)
        return pair === '' || isKept(sent) ? pair : `${sent}=REDACTED`
      })
      .join('&')
  }
}

/** A name without encoding, indexes and letter case. */
function plainName(sent: string): string {
  let name = sent.replaceAll('+', ' ')
  try {
    while (/%[\da-f]{2}/i.test(name)) name = decodeURIComponent(name)
  } catch {
    // Then no configured name is meant.
  }
  return name.replace(/\[.*$/s, '').toLowerCase()
}

/** Hashes that are kept, so that each client costs one in a period. */
const maxKnown = 10_000

/** HMAC with a salt that follows from the key, the workspace and the period, so that equal values are equal within a period only. */
function openHash(
  { hash_key: key, hash_rotation_hours: hours }: Settings,
  workspace: string,
  clock: Clock,
): (value: string) => string {
  let period = -1
  let salt = Buffer.alloc(0)
  let known = new Map<string, string>()
  return (value) => {
    // Stored settings may be older than the rule that requires a key.
    if (key === null) return ''
    const current = Math.floor(clock.now() / (hours * 3_600_000))
    if (current !== period) {
      period = current
      salt = createHmac('sha256', key).update(`${workspace} ${hours} ${period}`).digest()
      known = new Map()
    }
    let hashed = known.get(value)
    if (hashed === undefined) {
      hashed = createHmac('sha256', salt).update(value).digest('base64url').slice(0, 22)
      if (known.size < maxKnown) known.set(value, hashed)
    }
    return hashed
  }
}
