import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import {
  definePlugin,
  type CounterSource,
  type PluginTools,
  type CounterResult,
  type Window,
} from '../proxy/plugin.ts'
import { requestIdentifier } from './rate-limiting-advanced/identify-request.ts'
import { openQueue } from './rate-limiting-advanced/open-queue.ts'
import { acceptedSettings, settings, type Settings } from './rate-limiting-advanced/settings.ts'
import { addressOf } from './redis/connection-settings.ts'

export const rateLimitingAdvanced = definePlugin({
  name: 'rate-limiting-advanced',
  about: 'Limits the number of requests in fixed or sliding windows of any length.',
  settings,
  acceptedSettings,
  supportedPartials: { 'redis-ee': ['config.redis'] },
  prepare(settings, tools) {
    const { clock, counters: ofNode, log, id, workspace } = tools
    const inRedis = openRedis(settings, tools)
    // A namespace belongs to its workspace: others must not be able to use up a limit.
    const scope = settings.namespace === null ? id : `${workspace}/${settings.namespace}`
    const limits = settings.limit
      .map((limit, at) => openLimit(scope, limit, settings.window_size[at] ?? 1, settings))
      .toSorted((a, b) => a.length - b.length)
    const identify = requestIdentifier(settings)
    const check = (exchange: Exchange, taken: CounterResult, now: number): void => {
      const states = limits.map((limit, at) => limit.state(taken.counts[at] ?? 0, now))
      if (!settings.hide_client_headers) addLimitHeaders(exchange, states)
      if (!taken.admitted) throw refusal(states, settings)
    }
    const take = (
      exchange: Exchange,
      caller: string,
      now: number,
    ): CounterResult | Promise<CounterResult> => {
      const windows = limits.map((limit) => limit.window(caller, now))
      const taken = (inRedis ?? ofNode).take(windows)
      if (!(taken instanceof Promise) || inRedis === undefined) return taken
      return taken.catch((error: unknown) => {
        log.error('rate-limiting-advanced: Redis unavailable, the node counts by itself', {
          request_id: exchange.id,
          plugin: id,
          error,
        })
        return ofNode.take(windows)
      })
    }
    const queue = openQueue(settings.throttling)
    const settle = (exchange: Exchange, caller: string, taken: CounterResult, now: number) => {
      if (taken.admitted || queue === undefined) return check(exchange, taken, now)
      return queue
        .retry(exchange, () => take(exchange, caller, clock.now()))
        .then((last) => check(exchange, last ?? taken, clock.now()))
    }
    return {
      onRequest(exchange) {
        const now = clock.now()
        const caller = identify(exchange)
        const taken = take(exchange, caller, now)
        if (!(taken instanceof Promise)) return settle(exchange, caller, taken, now)
        return taken.then((result) => settle(exchange, caller, result, now))
      },
      close: () => inRedis?.close(),
    }
  },
})

function openRedis(
  { strategy, redis, sync_rate: rate }: Settings,
  { redisCounters }: PluginTools,
): CounterSource | undefined {
  if (strategy !== 'redis' || rate === -1) return undefined
  const everyRequest = -1
  return redisCounters(addressOf(redis), rate === null || rate === 0 ? everyRequest : rate)
}

type LimitState = {
  readonly title: string
  readonly limit: number
  readonly remaining: number
  /** Seconds. */
  readonly reset: number
}

/** Names of lengths in headers, in seconds; others are named by their number. */
const titles: Readonly<Record<number, string>> = {
  1: 'Second',
  60: 'Minute',
  3600: 'Hour',
  86_400: 'Day',
  2_592_000: 'Month',
  31_536_000: 'Year',
}

function openLimit(
  scope: string,
  limit: number,
  seconds: number,
  { window_type: type, disable_penalty: isLenient }: Settings,
) {
  const length = seconds * 1000
  const isSliding = type === 'sliding'
  const title = titles[seconds] ?? String(seconds)
  const more = isLenient ? {} : { countsRefused: true }
  let start = Number.NaN
  let windows = new Map<string, FixedWindow>()
  /** Callers' windows of this time, so that the keys of a caller are built once. */
  const fixedWindow = (caller: string): FixedWindow => {
    let window = windows.get(caller)
    if (window !== undefined) return window
    const prefix = `${scope} ${caller} ${seconds}s`
    // The next sliding window needs the count.
    const endsAt = start + (isSliding ? 2 : 1) * length
    window = {
      key: `${prefix} ${start}`,
      previousKey: `${prefix} ${start - length}`,
      limit,
      endsAt,
    }
    if (windows.size < maxCachedCallers) windows.set(caller, window)
    return window
  }
  return {
    length,
    window(caller: string, now: number): Window {
      const startNow = now - (now % length)
      if (startNow !== start) {
        start = startNow
        windows = new Map()
      }
      const window = fixedWindow(caller)
      if (!isSliding) return window
      const { key, endsAt, previousKey } = window
      const weight = 1 - (now - start) / length
      return { key, limit, endsAt, previous: { key: previousKey, weight }, ...more }
    },
    state(count: number, now: number): LimitState {
      const rest = length - (now % length)
      const remaining = Math.max(0, Math.floor(limit - count))
      return { title, limit, remaining, reset: Math.max(1, Math.ceil(rest / 1000)) }
    },
  }
}

type FixedWindow = Window & { readonly previousKey: string }

/** Further callers are counted without the cache. */
const maxCachedCallers = 10_000

/** Kong's headers: X-RateLimit-* for each limit, and RateLimit-* for the one with the fewest remaining requests. */
function addLimitHeaders({ answerHeaders }: Exchange, states: readonly LimitState[]): void {
  let nearest: LimitState | undefined
  for (const state of states) {
    if (nearest === undefined || state.remaining < nearest.remaining) nearest = state
    answerHeaders.add(`X-RateLimit-Limit-${state.title}`, String(state.limit))
    answerHeaders.add(`X-RateLimit-Remaining-${state.title}`, String(state.remaining))
  }
  if (nearest === undefined) return
  answerHeaders.add('RateLimit-Limit', String(nearest.limit))
  answerHeaders.add('RateLimit-Remaining', String(nearest.remaining))
  answerHeaders.add('RateLimit-Reset', String(nearest.reset))
}

function refusal(states: readonly LimitState[], settings: Settings): Problem {
  const { retry_after_jitter_max: jitter, error_code: status, error_message: message } = settings
  const full = states.filter(({ remaining }) => remaining === 0)
  const wait = Math.max(1, ...full.map(({ reset }) => reset))
  const seconds = wait + Math.round(Math.random() * jitter)
  return new Problem('rate-limiting-advanced.exceeded', status, message, {
    headers: settings.hide_client_headers ? {} : { 'Retry-After': String(seconds) },
  })
}
