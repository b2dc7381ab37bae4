import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin, type PluginAnswer, type Window } from '../proxy/plugin.ts'
import { boundsOf } from './rate-limiting/calendar.ts'
import { hasRedisAddress, periods, shorthands, type Period } from './rate-limiting/settings.ts'
import { acceptedSettings, settings, type Settings } from './response-ratelimiting/settings.ts'

export const responseRatelimiting = definePlugin({
  name: 'response-ratelimiting',
  about: 'Limits units per period that responses of services count in a header.',
  settings,
  acceptedSettings,
  shorthands,
  supportedPartials: { 'redis-ce': ['config.redis'], 'redis-ee': ['config.redis'] },
  prepare(settings, { id, clock, counters: ofNode, redisCounters, log }) {
    const inRedis =
      settings.policy === 'redis' && hasRedisAddress(settings.redis)
        ? redisCounters(settings.redis, everyRequest)
        : undefined
    const counters = inRedis ?? ofNode
    const limits = limitsIn(settings)
    const header = settings.header_name.toLowerCase()
    const known = new WeakMap<Exchange, Usage>()

    const read = (exchange: Exchange, usage: Usage, counts: readonly number[]): void => {
      usage.remaining = limits.map(({ limit }, at) => limit - (counts[at] ?? 0))
      known.set(exchange, usage)
      for (const [name, remaining] of minRemaining(limits, usage.remaining)) {
        if (settings.block_on_first_violation && remaining <= 0) throw exceeded(name)
        exchange.forward?.headers.set(`X-RateLimit-Remaining-${name}`, String(remaining))
      }
    }
    const unavailable = (exchange: Exchange, cause: unknown): void => {
      if (!settings.fault_tolerant)
        throw new Problem('response-ratelimiting.unknown', 500, 'An unexpected error occurred', {
          cause,
        })
      log.error('response-ratelimiting: counters unavailable, request not limited', {
        request_id: exchange.id,
        plugin: id,
        error: cause,
      })
    }
    const add = (exchange: Exchange, windows: readonly Window[]): void => {
      const failed = (error: unknown): void =>
        log.error('response-ratelimiting: response not counted', {
          request_id: exchange.id,
          plugin: id,
          error,
        })
      const taken = counters.take(windows)
      if (taken instanceof Promise) taken.catch(failed)
    }

    return {
      onRequest(exchange) {
        const caller = identify[settings.limit_by](exchange) ?? exchange.request.clientAddress
        const now = clock.now()
        const windows = limits.map(({ name, period, limit }) => {
          const [start, endsAt] = boundsOf(period, now)
          return { key: `${id} ${caller} ${name}:${period} ${start}`, limit, endsAt, cost: 0 }
        })
        const usage = { windows, remaining: [] }
        const taken = counters.take(windows)
        if (!(taken instanceof Promise)) return read(exchange, usage, taken.counts)
        return taken.then(
          ({ counts }) => read(exchange, usage, counts),
          (error: unknown) => unavailable(exchange, error),
        )
      },
      onResponse(exchange): PluginAnswer | undefined {
        const { serviceHeaders: headers, upstream } = exchange
        // A stored response has been counted.
        const units =
          upstream.status === 0 ? noUnits : unitsIn(headers?.all(header) ?? [], settings.limits)
        headers?.delete(header)
        const usage = known.get(exchange)
        if (usage === undefined) return undefined
        known.delete(exchange)
        if (!settings.hide_client_headers) setLimitHeaders(exchange, limits, usage, units)
        const full = limits.find(
          ({ name }, at) => (units.get(name) ?? 0) > 0 && (usage.remaining[at] ?? 0) <= 0,
        )
        if (full !== undefined) return { status: 429, body: '', refusal: exceeded(full.name) }
        const counted = usage.windows.flatMap((window, at) => {
          const cost = units.get(limits[at]?.name ?? '') ?? 0
          return cost === 0 ? [] : [{ ...window, cost, countsRefused: true }]
        })
        if (counted.length > 0) add(exchange, counted)
        return undefined
      },
      close: () => inRedis?.close(),
    }
  },
})

/** The value of `sync_rate` for one Redis round trip per request. */
const everyRequest = -1

type Limit = { readonly name: string; readonly period: Period; readonly limit: number }

/** Of one request: the windows that it read, and what remained in each. */
type Usage = { readonly windows: readonly Window[]; remaining: readonly number[] }

const limitsIn = ({ limits }: Settings): readonly Limit[] =>
  Object.entries(limits).flatMap(([name, one]) =>
    periods.flatMap((period) => {
      const limit = one[period]
      return limit === null ? [] : [{ name, period, limit }]
    }),
  )

function setLimitHeaders(
  { answerHeaders }: Exchange,
  limits: readonly Limit[],
  { remaining }: Usage,
  units: ReadonlyMap<string, number>,
): void {
  for (const [at, { name, period, limit }] of limits.entries()) {
    const left = Math.max(0, (remaining[at] ?? 0) - (units.get(name) ?? 0))
    answerHeaders.set(`X-RateLimit-Limit-${name}-${period}`, String(limit))
    answerHeaders.set(`X-RateLimit-Remaining-${name}-${period}`, String(left))
  }
}

/** By name, what remains in the period in which least does. */
function minRemaining(limits: readonly Limit[], remaining: readonly number[]) {
  const least = new Map<string, number>()
  for (const [at, { name }] of limits.entries())
    least.set(name, Math.min(least.get(name) ?? Infinity, remaining[at] ?? 0))
  return least
}

const noUnits: ReadonlyMap<string, number> = new Map()

/** The units of a response by name; unknown names do not count. */
function unitsIn(fields: readonly string[], limits: Settings['limits']): typeof noUnits {
  if (fields.length === 0) return noUnits
  const units = new Map<string, number>()
  for (const part of fields.flatMap((field) => field.split(','))) {
    const [, name = '', number = ''] = /^\s*([^\s=]+)\s*=\s*(\d{1,9})\s*$/.exec(part) ?? []
    if (name !== '' && Object.hasOwn(limits, name)) units.set(name, Number(number))
  }
  return units
}

const identify: Readonly<Record<Settings['limit_by'], (exchange: Exchange) => string | undefined>> =
  {
    consumer: ({ caller }) => caller?.consumer?.id ?? caller?.credential,
    credential: ({ caller }) => caller?.credential,
    ip: () => undefined,
  }

const exceeded = (name: string): Problem =>
  new Problem('response-ratelimiting.exceeded', 429, `API rate limit exceeded for '${name}'`)
