import { z } from 'zod'
import type { Shorthands } from '../../entities/plugin-schema.ts'
import { optionalEnterpriseFields, redisFields } from '../../entities/redis-settings.ts'

/** From the shortest on. */
export const periods = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const
export type Period = (typeof periods)[number]

const limit = z.number().gt(0, { error: 'value must be greater than 0' }).nullable().default(null)

/** Clients fill the defaults of records that are required. */
const redis = z
  .strictObject({ ...redisFields, ...optionalEnterpriseFields })
  .prefault({})
  .meta({ isFilled: true })

export const settings = z.strictObject({
  second: limit.describe('Requests per second.'),
  minute: limit.describe('Requests per minute.'),
  hour: limit.describe('Requests per hour.'),
  day: limit.describe('Requests per calendar day, UTC.'),
  month: limit.describe('Requests per calendar month, UTC.'),
  year: limit.describe('Requests per calendar year, UTC.'),
  limit_by: z
    .enum(['consumer', 'credential', 'ip', 'service', 'header', 'path'])
    .default('consumer')
    .describe(
      'Requests with the same value share a limit. Falls back to the client address when the request has no such value.',
    ),
  header_name: z
    .string()
    .nullable()
    .default(null)
    .describe('Header name. Required when `limit_by` is header.'),
  path: z
    .string()
    .nullable()
    .default(null)
    .describe('Path whose requests share a limit. Required when `limit_by` is path.'),
  policy: z
    .enum(['local', 'cluster', 'redis'])
    .default('local')
    .describe(
      'Storage of counters. local and cluster are exact across the workers of a node, and each node counts by itself; redis is exact across all nodes that use the same database of Redis.',
    ),
  sync_rate: z
    .number()
    .default(-1)
    .describe(
      'With the policy redis, seconds between exchanges of counts with Redis; in between, nodes can exceed a limit together. -1 asks Redis for every request.',
    ),
  redis: redis.describe('Connection to Redis, for the policy redis.'),
  fault_tolerant: z
    .boolean()
    .default(true)
    .describe('Allow requests while counters are unavailable; false answers 500.'),
  hide_client_headers: z
    .boolean()
    .default(false)
    .describe('Do not send the headers RateLimit-*, X-RateLimit-* and Retry-After.'),
  error_code: z.int().default(429).describe('Status of the response beyond the limit.'),
  error_message: z
    .string()
    .default('API rate limit exceeded')
    .describe('Message of the response beyond the limit.'),
})

export const acceptedSettings = settings.superRefine((given, context) => {
  for (const violation of violations(given))
    context.addIssue({ code: 'custom', input: given, ...violation })
})

/** Kong's deprecated names of settings, each with its place now. */
export const shorthands: Shorthands = Object.fromEntries(
  Object.keys(redisFields).map((name) => [`redis_${name}`, ['redis', name] as const]),
)

type Violation = {
  readonly path: string[]
  readonly message: string
  readonly params?: { readonly isOfRecord: true }
}

type Checked = {
  readonly [period in Period]: number | null
} & {
  readonly limit_by: string
  readonly header_name: string | null
  readonly path: string | null
  readonly policy: string
  readonly sync_rate: number
  readonly redis: {
    readonly host: string | null
    readonly sentinel_nodes?: readonly unknown[] | null | undefined
    readonly cluster_nodes?: readonly unknown[] | null | undefined
  }
}

/** The rules of Kong's schema that span several fields, with its messages. */
function* violations(settings: Checked): Generator<Violation> {
  const limited = periods.filter((period) => settings[period] !== null)
  if (limited.length === 0) {
    const names = periods.map((period) => `'config.${period}'`).join(', ')
    yield { path: [], message: `at least one of these fields must be non-empty: ${names}` }
  }
  const wrong = outOfOrder(settings) ?? wrongSyncRate(settings)
  if (wrong !== undefined) yield { path: [], message: wrong, params: { isOfRecord: true } }
  const { limit_by: by, policy } = settings
  if (by === 'header' && settings.header_name === null) yield* missing('limit_by', ['header_name'])
  if (by === 'path' && settings.path === null) yield* missing('limit_by', ['path'])
  if (policy === 'redis' && !hasRedisAddress(settings.redis))
    yield* missing('policy', ['redis', 'host'])
}

/** Whether Redis has an address: a host, or nodes of Sentinel or of a cluster. */
export const hasRedisAddress = ({
  host,
  sentinel_nodes: sentinel,
  cluster_nodes: cluster,
}: Checked['redis']): boolean => (host ?? sentinel ?? cluster ?? null) !== null

function* missing(because: string, path: string[]): Generator<Violation> {
  yield { path, message: 'required field missing' }
  yield {
    path: [],
    message: `failed conditional validation given value of field 'config.${because}'`,
  }
}

/** Why a longer period has a lower limit than a shorter one. Kong prints limits with one decimal. */
export function outOfOrder(settings: {
  readonly [period in Period]: number | null
}): string | undefined {
  for (const [index, shorter] of periods.entries()) {
    for (const longer of periods.slice(index + 1)) {
      const [low, high] = [settings[shorter], settings[longer]]
      if (low !== null && high !== null && high < low)
        return `The limit for ${longer}(${high.toFixed(1)}) cannot be lower than the limit for ${shorter}(${low.toFixed(1)})`
    }
  }
  return undefined
}

function wrongSyncRate({ policy, sync_rate: rate }: Checked): string | undefined {
  if (rate === -1) return undefined
  if (policy !== 'redis') return 'sync_rate can only be used with the redis policy'
  return rate < 0.02 ? 'sync_rate must be greater than 0.02, or -1 to disable' : undefined
}
