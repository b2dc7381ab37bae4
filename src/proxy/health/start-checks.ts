import { setMaxListeners } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../../lib/log.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import type { Pool } from '../balance/open-pool.ts'
import type { Target } from '../balance/target.ts'
import type { Probe } from './probe-target.ts'

export type CheckTools = { readonly timers: Timers; readonly probe: Probe; readonly log: Log }

/** The pool of an upstream; other pools are never checked. */
export type UpstreamPool = Pool & { readonly plan: { readonly upstream: UpstreamSettings } }

export const isUpstreamPool = (pool: Pool | undefined): pool is UpstreamPool =>
  pool?.plan.upstream !== undefined

/** The running active checks of a pool. */
export type HealthChecks = {
  readonly pool: UpstreamPool
  /** Checks a pool with equal check settings instead, without a restart: the intervals and the probes in flight continue. */
  replacePool(next: UpstreamPool): void
  stop(): void
}

/** Starts the active checks of a pool; healthy and unhealthy targets have their own intervals. */
export function startHealthChecks(pool: UpstreamPool, tools: CheckTools): HealthChecks {
  let current = pool
  const probing = new Set<string>()
  const rounds = new Set<AbortController>()
  const stops: (() => void)[] = []
  const stop = (): void => {
    for (const stopTimer of stops) stopTimer()
    for (const round of rounds) round.abort()
  }
  const checkTargets = async (healthy: boolean): Promise<void> => {
    const isDue = (target: Target): boolean =>
      target.weight > 0 && target.state.health.healthy === healthy && !probing.has(target.key)
    const keys = current.targets().flatMap((target) => (isDue(target) ? [target.key] : []))
    if (keys.length === 0) return
    const round = new AbortController()
    setMaxListeners(0, round.signal)
    rounds.add(round)
    try {
      await checkAll(keys, { pool: () => current, probing, signal: round.signal, ...tools })
    } finally {
      rounds.delete(round)
    }
  }
  const { active } = pool.plan.upstream.healthchecks
  const kinds = [
    [active.healthy.interval, true],
    [active.unhealthy.interval, false],
  ] as const
  try {
    for (const [interval, healthy] of kinds)
      if (interval !== 0)
        stops.push(
          tools.timers.every(interval * 1000, () => {
            checkTargets(healthy).catch((error: unknown) => {
              const { name } = current.plan.upstream
              tools.log.error('health: checks failed', { upstream: name, error })
            })
          }),
        )
  } catch (error) {
    stop()
    throw error
  }
  return {
    get pool() {
      return current
    },
    replacePool(next) {
      current = next
    },
    stop,
  }
}

/** Whether the checks of one pool can continue with the other. Each round reads the targets anew. */
export const hasEqualChecks = (a: UpstreamPool, b: UpstreamPool): boolean =>
  isDeepStrictEqual(checkSettings(a), checkSettings(b))

const checkSettings = ({ plan: { upstream, certificate } }: UpstreamPool): unknown => [
  upstream.healthchecks.active,
  upstream.host_header,
  certificate?.cert,
  certificate?.key,
]

type Round = CheckTools & {
  readonly pool: () => UpstreamPool
  /** Keys of the targets with a probe in flight or queued. */
  readonly probing: Set<string>
  readonly signal: AbortSignal
}

/** Probes the targets with the configured concurrency. */
async function checkAll(keys: readonly string[], round: Round): Promise<void> {
  for (const key of keys) round.probing.add(key)
  const waiting = [...keys]
  const work = async (): Promise<void> => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift())
      await check(key, round)
  }
  const { concurrency } = round.pool().plan.upstream.healthchecks.active
  await Promise.all(Array.from({ length: Math.min(concurrency, keys.length) }, work))
}

/** Probes a target unless the pool has lost it since the round began, and ignores the result if it loses it meanwhile. */
async function check(key: string, { pool, probing, probe, signal, log }: Round): Promise<void> {
  const findTarget = (): Target | undefined =>
    signal.aborted
      ? undefined
      : pool()
          .targets()
          .find((target) => target.key === key)
  const target = findTarget()
  if (target !== undefined) {
    const { upstream, certificate } = pool().plan
    const onError = (error: Error): void => {
      if (findTarget() === undefined) return
      log.warn('health: probe failed', { upstream: upstream.name, target: target.hostPort, error })
    }
    const result = await probe({ target, upstream, certificate }, signal, onError)
    const probed = findTarget()
    if (probed !== undefined) pool().circuitBreaker.reportCheck(probed, result)
  }
  probing.delete(key)
}

/** Intervals; passed in, so that tests can control them. */
export type Timers = {
  /** Returns a function that stops the interval. */
  every(milliseconds: number, act: () => void): () => void
}

/** The timers do not keep the process alive. */
export const systemTimers: Timers = {
  every(milliseconds, act) {
    const timer = setInterval(act, milliseconds)
    timer.unref()
    return () => clearInterval(timer)
  },
}
