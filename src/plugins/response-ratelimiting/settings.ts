import { z } from 'zod'
import {
  hasRedisAddress,
  outOfOrder,
  periods,
  settings as others,
} from '../rate-limiting/settings.ts'

const { redis, fault_tolerant } = others.shape

const limit = z.number().gt(0, { error: 'value must be greater than 0' }).nullable().default(null)

const limits = z.strictObject({
  second: limit.describe('Units per second.'),
  minute: limit.describe('Units per minute.'),
  hour: limit.describe('Units per hour.'),
  day: limit.describe('Units per calendar day, UTC.'),
  month: limit.describe('Units per calendar month, UTC.'),
  year: limit.describe('Units per calendar year, UTC.'),
})

export const settings = z.strictObject({
  header_name: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'expected the name of a header' })
    .default('x-kong-limit')
    .describe('Header of responses that says what to count, as `name=units, name=units`.'),
  limit_by: z
    .enum(['consumer', 'credential', 'ip'])
    .default('consumer')
    .describe(
      'Requests with the same value share a limit. Falls back to the client address when the request has no such value.',
    ),
  policy: z
    .enum(['local', 'cluster', 'redis'])
    .default('local')
    .describe(
      'Storage of counters. local and cluster are shared by the workers of a node, and each node counts by itself; redis is shared by all nodes that use the same database of Redis.',
    ),
  fault_tolerant,
  redis,
  block_on_first_violation: z
    .boolean()
    .default(false)
    .describe('Refuse requests as soon as one limit is reached, whatever their responses count.'),
  hide_client_headers: z
    .boolean()
    .default(false)
    .describe('Do not send the headers X-RateLimit-*.'),
  limits: z
    .record(z.string().min(1), limits)
    .describe('Limits by name. At least one, each with at least one period.'),
})

export type Settings = z.output<typeof settings>

export const acceptedSettings = settings.superRefine((given, context) => {
  const refuse = (path: string[], message: string): void =>
    context.addIssue({ code: 'custom', input: given, path, message })
  const entries = Object.entries(given.limits)
  if (entries.length === 0) refuse(['limits'], 'length must be at least 1')
  for (const [name, one] of entries) {
    const wrong = outOfOrder(one)
    if (wrong !== undefined) refuse(['limits', name], `t${wrong.slice(1)}`)
    if (periods.every((period) => one[period] === null)) {
      const names = periods.map((period) => `'${period}'`).join(', ')
      refuse(['limits', name], `at least one of these fields must be non-empty: ${names}`)
    }
    // It is a part of the names of headers.
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name))
      refuse(['limits', name], 'expected a name that is usable in a header')
  }
  if (given.policy !== 'redis' || hasRedisAddress(given.redis)) return
  refuse(['redis', 'host'], 'required field missing')
  refuse([], `failed conditional validation given value of field 'config.policy'`)
})
