import { setMaxListeners } from 'node:events'
import type { Log } from '../../lib/log.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import type { Pool } from '../balance/open-pool.ts'
import type { Target } from '../balance/target.ts'
import type { Probe } from './probe-target.ts'

export type CheckTools = { readonly timers: Timers; readonly probe: Probe; readonly log: Log }

/** Starts the active checks of the pools; healthy and unhealthy targets have their own intervals. Returns a function that stops them. */
export function startHealthChecks(pools: readonly Pool[], tools: CheckTools): () => void {
  const ended = new AbortController()
  setMaxListeners(0, ended.signal)
  const stops: (() => void)[] = []
  const end = (): void => {
    for (const stop of stops) stop()
    ended.abort()
  }
  try {
    for (const pool of pools) {
      const { upstream } = pool.plan
      if (upstream !== undefined)
        for (const stop of startPoolChecks(pool, upstream, { ...tools, signal: ended.signal }))
          stops.push(stop)
    }
  } catch (error) {
    end()
    throw error
  }
  return end
}

type PoolCheckTools = CheckTools & { readonly signal: AbortSignal }

/** Yields how to stop each interval. */
function* startPoolChecks(
  pool: Pool,
  upstream: UpstreamSettings,
  tools: PoolCheckTools,
): Generator<() => void> {
  const { active } = upstream.healthchecks
  const probing = new Set<string>()
  const checkTargets = async (healthy: boolean): Promise<void> => {
    const wanted = (target: Target): boolean =>
      target.weight > 0 && target.state.health.healthy === healthy && !probing.has(target.key)
    await checkAll(pool.targets().filter(wanted), { pool, upstream, probing, ...tools })
  }
  const kinds = [
    [active.healthy.interval, true],
    [active.unhealthy.interval, false],
  ] as const
  for (const [interval, healthy] of kinds)
    if (interval !== 0)
      yield tools.timers.every(interval * 1000, () => {
        checkTargets(healthy).catch((error: unknown) => {
          tools.log.error('health: checks failed', { upstream: upstream.name, error })
        })
      })
}

type Round = PoolCheckTools & {
  readonly pool: Pool
  readonly upstream: UpstreamSettings
  /** Keys of the targets with a probe in flight or queued. */
  readonly probing: Set<string>
}

/** Probes `targets` with the configured concurrency. */
async function checkAll(targets: readonly Target[], round: Round): Promise<void> {
  for (const { key } of targets) round.probing.add(key)
  const waiting = [...targets]
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift())
      await check(target, round)
  }
  const { concurrency } = round.upstream.healthchecks.active
  await Promise.all(Array.from({ length: Math.min(concurrency, targets.length) }, work))
}

async function check(
  target: Target,
  { pool, upstream, probing, probe, signal, log }: Round,
): Promise<void> {
  const onError = (error: Error): void => {
    if (signal.aborted) return
    log.warn('health: probe failed', { upstream: upstream.name, target: target.hostPort, error })
  }
  const result = signal.aborted
    ? undefined
    : await probe({ target, upstream, certificate: pool.plan.certificate }, signal, onError)
  probing.delete(target.key)
  if (result !== undefined && !signal.aborted) pool.circuitBreaker.reportCheck(target, result)
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
