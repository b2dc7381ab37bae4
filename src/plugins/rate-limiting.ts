import type { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import { definePlugin, type CounterResult, type Window } from '../proxy/plugin.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { boundsOf } from './rate-limiting/calendar.ts'
import {
  acceptedSettings,
  hasRedisAddress,
  periods,
  settings,
  shorthands,
  type Period,
} from './rate-limiting/settings.ts'

type Settings = z.output<typeof settings>

/** A refused request is not counted in any window. */
export const rateLimiting = definePlugin({
  name: 'rate-limiting',
  about: 'Limits the number of requests per second, minute, hour, day, month or year.',
  settings,
  acceptedSettings,
  shorthands,
  supportedPartials: { 'redis-ce': ['config.redis'], 'redis-ee': ['config.redis'] },
  prepare(settings, { id, clock, counters: ofNode, redisCounters, log }) {
    const inRedis =
      settings.policy !== 'redis' || !hasRedisAddress(settings.redis)
        ? undefined
        : redisCounters(settings.redis, settings.sync_rate)
    const counters = inRedis ?? ofNode
    const limits = periods.flatMap((period) => {
      const limit = settings[period]
      return limit === null ? [] : [openLimit(id, period, limit)]
    })
    const checkWindows = (
      exchange: Exchange,
      windows: readonly Window[],
      taken: CounterResult,
    ): void => {
      const states = windowStates(limits, windows, taken, clock.now())
      if (!settings.hide_client_headers) setLimitHeaders(exchange, states)
      if (taken.admitted) return
      const wait = Math.max(
        ...states.filter(({ remaining }) => remaining === 0).map(({ reset }) => reset),
      )
      const headers = settings.hide_client_headers ? {} : { 'Retry-After': String(wait) }
      throw new Problem('rate-limiting.exceeded', settings.error_code, settings.error_message, {
        headers,
      })
    }
    const keyOf = counterKeys[settings.limit_by]
    return {
      onRequest(exchange) {
        const now = clock.now()
        const caller = keyOf(exchange, settings) || exchange.request.clientAddress
        const windows = limits.map((limit) => limit.window(caller, now))
        const taken = counters.take(windows)
        if (!(taken instanceof Promise)) return checkWindows(exchange, windows, taken)
        return taken.then(
          (result) => checkWindows(exchange, windows, result),
          (cause: unknown) => {
            if (!settings.fault_tolerant)
              throw new Problem('rate-limiting.unknown', 500, 'An unexpected error occurred', {
                cause,
              })
            log.error('rate-limiting: counters unavailable, request not limited', {
              request_id: exchange.id,
              plugin: id,
              error: cause,
            })
          },
        )
      },
      close: () => inRedis?.close(),
    }
  },
})

type Limit = {
  readonly limit: number
  /** The period as in header names. */
  readonly title: string
  window(caller: string, now: number): Window
}

/** Caches the windows of the current period, so that the key of a caller is built once per period. */
function openLimit(id: string, period: Period, limit: number): Limit {
  let bounds: readonly [startsAt: number, endsAt: number] = [0, 0]
  let windows = new Map<string, Window>()
  return {
    limit,
    title: period.charAt(0).toUpperCase() + period.slice(1),
    window(caller, now) {
      if (now >= bounds[1] || now < bounds[0]) {
        bounds = boundsOf(period, now)
        windows = new Map()
      }
      let window = windows.get(caller)
      if (window === undefined) {
        window = { key: `${id} ${caller} ${period} ${bounds[0]}`, limit, endsAt: bounds[1] }
        if (windows.size < maxCachedCallers) windows.set(caller, window)
      }
      return window
    },
  }
}

/** Limit of the cache of windows; further callers are counted without it. */
const maxCachedCallers = 10_000

/** The counter key of a request by `limit_by`. */
const counterKeys: Readonly<
  Record<Settings['limit_by'], (exchange: Exchange, settings: Settings) => string | undefined>
> = {
  consumer: ({ caller }) => caller?.consumer?.id ?? caller?.credential,
  credential: ({ caller }) => caller?.credential,
  service: ({ routeRef }) => routeRef.service,
  header: ({ request }, { header_name: name }) => request.headers.get((name ?? '').toLowerCase()),
  path: ({ request }, { path }) => (request.path === path ? path : undefined),
  ip: ({ request }) => request.clientAddress,
}

type WindowState = { readonly limit: Limit; readonly remaining: number; readonly reset: number }

function windowStates(
  limits: readonly Limit[],
  windows: readonly Window[],
  taken: CounterResult,
  now: number,
): WindowState[] {
  return limits.map((limit, index) => ({
    limit,
    remaining: Math.max(0, limit.limit - (taken.counts[index] ?? 0)),
    reset: Math.max(1, Math.ceil(((windows[index]?.endsAt ?? now) - now) / 1000)),
  }))
}

/** Kong's headers: X-RateLimit-* for each limit, and RateLimit-* for the one with the fewest remaining requests. */
function setLimitHeaders({ answerHeaders }: Exchange, states: readonly WindowState[]): void {
  let nearest: WindowState | undefined
  for (const state of states) {
    const { limit, remaining } = state
    if (nearest === undefined || remaining < nearest.remaining) nearest = state
    answerHeaders.add(`X-RateLimit-Limit-${limit.title}`, String(limit.limit))
    answerHeaders.add(`X-RateLimit-Remaining-${limit.title}`, String(remaining))
  }
  if (nearest === undefined) return
  answerHeaders.add('RateLimit-Limit', String(nearest.limit.limit))
  answerHeaders.add('RateLimit-Remaining', String(nearest.remaining))
  answerHeaders.add('RateLimit-Reset', String(nearest.reset))
}
