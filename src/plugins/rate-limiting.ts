import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import { definePlugin, type Taken, type Window } from '../proxy/plugin.ts'
import type { Exchange } from '../proxy/exchange.ts'

const limit = z.int().min(1, { error: 'value must be greater than 0' }).nullable().default(null)

const settings = z
  .strictObject({
    second: limit,
    minute: limit,
    hour: limit,
    day: limit,
    month: limit,
    year: limit,
    limit_by: z
      .enum(['consumer', 'credential', 'ip', 'service', 'header', 'path'])
      .default('consumer')
      .describe(
        'Whose requests are counted together; the client address when there is no such thing.',
      ),
    header_name: z.string().nullable().default(null).describe('The header to count by.'),
    path: z.string().nullable().default(null).describe('The path to count.'),
    policy: z
      .enum(['local'])
      .default('local')
      .describe('Where counts live: local is exact over all workers of a node.'),
    fault_tolerant: z
      .boolean()
      .default(true)
      .describe('Let requests pass when counts cannot be had.'),
    hide_client_headers: z.boolean().default(false).describe('Do not tell clients their limits.'),
    error_code: z.int().default(429),
    error_message: z.string().default('API rate limit exceeded'),
  })
  .refine((settings) => periods.some((period) => settings[period] !== null), {
    error: `at least one of these fields must be non-empty: 'second', 'minute', 'hour', 'day', 'month', 'year'`,
  })
  .refine(({ limit_by: by, header_name: header }) => by !== 'header' || header !== null, {
    error: `header_name: required field missing`,
  })
  .refine(({ limit_by: by, path }) => by !== 'path' || path !== null, {
    error: `path: required field missing`,
  })

const periods = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const
type Period = (typeof periods)[number]
type Settings = z.output<typeof settings>

/** At most so many requests in each second, minute, hour, day, month or year of the calendar (UTC), counted for each caller. A refused request counts in no window. */
export const rateLimiting = definePlugin({
  name: 'rate-limiting',
  about:
    'At most so many requests in each second, minute, hour, day, month or year, counted for each caller.',
  settings,
  prepare(settings, { id, clock, counters }) {
    const limits = periods.flatMap((period) =>
      settings[period] === null ? [] : [{ period, limit: settings[period] }],
    )
    const judge = (exchange: Exchange, windows: readonly Window[], taken: Taken): void => {
      const standings = standingsOf(limits, windows, taken, clock.now())
      if (!settings.hide_client_headers) tellLimits(exchange, standings)
      if (taken.admitted) return
      const wait = Math.max(
        ...standings.filter(({ remaining }) => remaining === 0).map(({ reset }) => reset),
      )
      const headers = settings.hide_client_headers ? {} : { 'Retry-After': String(wait) }
      throw new Problem('rate-limiting.exceeded', settings.error_code, settings.error_message, {
        headers,
      })
    }
    return {
      onRequest(exchange) {
        const now = clock.now()
        const who = counted[settings.limit_by](exchange, settings) || exchange.request.clientAddress
        const windows = limits.map(({ period, limit }) =>
          windowOf(period, limit, now, `${id} ${who}`),
        )
        const taken = counters.take(windows)
        if (!(taken instanceof Promise)) return judge(exchange, windows, taken)
        return taken.then(
          (result) => judge(exchange, windows, result),
          (cause: unknown) => {
            if (!settings.fault_tolerant)
              throw new Problem('rate-limiting.unknown', 500, 'An unexpected error occurred', {
                cause,
              })
          },
        )
      },
    }
  },
})

function windowOf(period: Period, limit: number, now: number, counted: string): Window {
  const [startsAt, endsAt] = boundsOf(period, now)
  return { key: `${counted} ${period} ${startsAt}`, limit, endsAt }
}

const lengths = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

function boundsOf(period: Period, now: number): [number, number] {
  if (period === 'month' || period === 'year') {
    const date = new Date(now)
    const year = date.getUTCFullYear()
    const month = date.getUTCMonth()
    return period === 'month'
      ? [Date.UTC(year, month), Date.UTC(year, month + 1)]
      : [Date.UTC(year, 0), Date.UTC(year + 1, 0)]
  }
  const start = now - (now % lengths[period])
  return [start, start + lengths[period]]
}

/** What is counted together; nothing when the exchange has none of it, and then the client address is. */
const counted: Readonly<
  Record<Settings['limit_by'], (exchange: Exchange, settings: Settings) => string | undefined>
> = {
  consumer: ({ caller }) => caller?.consumer.id,
  credential: ({ caller }) => caller?.credential,
  service: ({ place }) => place.service,
  header: ({ request }, { header_name: name }) => request.headers.get((name ?? '').toLowerCase()),
  path: ({ request }, { path }) => (request.path === path ? path : undefined),
  ip: ({ request }) => request.clientAddress,
}

type Standing = {
  readonly period: Period
  readonly limit: number
  readonly remaining: number
  readonly reset: number
}

function standingsOf(
  limits: readonly { period: Period; limit: number }[],
  windows: readonly Window[],
  taken: Taken,
  now: number,
): Standing[] {
  return limits.map(({ period, limit }, index) => ({
    period,
    limit,
    remaining: Math.max(0, limit - (taken.counts[index] ?? 0)),
    reset: Math.max(1, Math.ceil(((windows[index]?.endsAt ?? now) - now) / 1000)),
  }))
}

/** The nearest limit in the fields of the IETF draft, and each in Kong's own. */
function tellLimits({ answerHeaders }: Exchange, standings: readonly Standing[]): void {
  let nearest: Standing | undefined
  for (const standing of standings) {
    if (nearest === undefined || standing.remaining < nearest.remaining) nearest = standing
    const name = standing.period[0]?.toUpperCase() + standing.period.slice(1)
    answerHeaders.add(`X-RateLimit-Limit-${name}`, String(standing.limit))
    answerHeaders.add(`X-RateLimit-Remaining-${name}`, String(standing.remaining))
  }
  if (nearest === undefined) return
  answerHeaders.add('RateLimit-Limit', String(nearest.limit))
  answerHeaders.add('RateLimit-Remaining', String(nearest.remaining))
  answerHeaders.add('RateLimit-Reset', String(nearest.reset))
}
