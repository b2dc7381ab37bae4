import { z } from 'zod'
import { between, optional } from '../../entities/fields.ts'
import { connectionFields } from '../redis/connection-settings.ts'

const identifiers = [
  'ip',
  'credential',
  'consumer',
  'service',
  'header',
  'path',
  'consumer-group',
] as const
export type Identifier = (typeof identifiers)[number]

/** Clients fill the defaults of records that are required. */
const redis = z.strictObject(connectionFields).prefault({}).meta({ isFilled: true })

export const settings = z.strictObject({
  identifier: z
    .enum(identifiers)
    .default('consumer')
    .describe(
      'Requests with the same value share a limit. Falls back to the client address when the request has no such value.',
    ),
  compound_identifier: optional(z.array(z.enum(identifiers)).min(1)).describe(
    'Several identifiers in place of `identifier`: requests with the same values share a limit.',
  ),
  window_size: z
    .array(z.number().gt(0, { error: 'value must be greater than 0' }))
    .min(1)
    .describe('Lengths of windows, in seconds; one for each limit.'),
  window_type: z
    .enum(['fixed', 'sliding'])
    .default('sliding')
    .describe(
      'A fixed window begins at a multiple of its length. In a sliding window, the count of the window before counts for the part of it that lies within the last `window_size` seconds.',
    ),
  limit: z
    .array(z.number().gt(0, { error: 'value must be greater than 0' }))
    .min(1)
    .describe('Requests in each window.'),
  sync_rate: optional(z.number()).describe(
    'With the strategy redis, seconds between exchanges of counts with Redis; 0 asks Redis for every request, -1 counts in each node by itself. Required by the strategy redis.',
  ),
  namespace: optional(z.string().min(1)).describe(
    'Plugins of a workspace with the same namespace share counters. The id of the plugin when null.',
  ),
  strategy: z
    .enum(['cluster', 'redis', 'local'])
    .default('local')
    .describe(
      'Storage of counters. local and cluster are exact across the workers of a node, and each node counts by itself; redis is shared by all nodes that use the same database of Redis.',
    ),
  dictionary_name: z
    .string()
    .default('kong_rate_limiting_counters')
    .describe('Accepted for Kong; there are no shared dictionaries.'),
  lock_dictionary_name: z
    .string()
    .default('kong_locks')
    .describe('Accepted for Kong; there are no shared dictionaries.'),
  hide_client_headers: z
    .boolean()
    .default(false)
    .describe('Do not send the headers RateLimit-*, X-RateLimit-* and Retry-After.'),
  retry_after_jitter_max: z
    .number()
    .min(0)
    .default(0)
    .describe('Random seconds up to this number are added to Retry-After.'),
  header_name: optional(z.string()).describe('Header name. Required by the identifier header.'),
  path: optional(z.string()).describe(
    'Path whose requests share a limit. Required by the identifier path.',
  ),
  redis: redis.describe('Connection to Redis, for the strategy redis.'),
  enforce_consumer_groups: z
    .boolean()
    .default(false)
    .describe('Must be false; apply a plugin to the consumer group instead.'),
  consumer_groups: optional(z.array(z.string())).describe(
    'Accepted for Kong without `enforce_consumer_groups`; apply a plugin to the consumer group instead.',
  ),
  disable_penalty: z
    .boolean()
    .default(false)
    .describe('Do not count refused requests in sliding windows.'),
  throttling: optional(
    z.strictObject({
      enabled: z.boolean().default(false).describe('Let requests beyond a limit wait.'),
      interval: z
        .number()
        .min(1, { error: 'value should be between 1 and 1000000' })
        .max(1_000_000, { error: 'value should be between 1 and 1000000' })
        .default(5)
        .describe('Seconds between two attempts of a request.'),
      queue_limit: between(1, 1_000_000)
        .default(5)
        .describe('Requests of a worker that wait at the same time; further ones are refused.'),
      retry_times: between(1, 1_000_000).default(3).describe('Attempts of a waiting request.'),
    }),
  ).describe(
    'Requests beyond a limit wait and are tried again, instead of being refused. With `disable_penalty: false`, each attempt counts in a sliding window.',
  ),
  error_code: z.int().default(429).describe('Status of the response beyond the limit.'),
  error_message: z
    .string()
    .default('API rate limit exceeded')
    .describe('Message of the response beyond the limit.'),
})

export type Settings = z.output<typeof settings>

export const acceptedSettings = settings.superRefine((given, context) => {
  const refuse = (path: string[], message: string): void =>
    context.addIssue({ code: 'custom', input: given, path, message })
  if (given.limit.length !== given.window_size.length)
    refuse([], 'You must provide the same number of windows and limits')
  if (given.enforce_consumer_groups)
    refuse(
      ['enforce_consumer_groups'],
      'overrides of consumer groups are not supported; apply a plugin to the consumer group instead',
    )
  if (given.strategy === 'redis' && given.sync_rate === null)
    refuse(['sync_rate'], 'required field missing')
  const used = given.compound_identifier ?? [given.identifier]
  if (used.includes('header') && given.header_name === null)
    refuse(['header_name'], 'required field missing')
  if (used.includes('path') && given.path === null) refuse(['path'], 'required field missing')
})
