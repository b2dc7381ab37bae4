import { setMaxListeners } from 'node:events'
import type { UpstreamSettings } from '../../schema/upstream.ts'
import type { Pool } from '../balance/open-pool.ts'
import type { Target } from '../balance/target.ts'
import type { Probe } from './probe-target.ts'

/** What checks are made with. */
export type CheckTools = { readonly timers: Timers; readonly probe: Probe }

/** Starts to ask the targets of pools how they are, the healthy and the unhealthy each at their interval; returns how to stop. */
export function startHealthChecks(pools: readonly Pool[], tools: CheckTools): () => void {
  const ended = new AbortController()
  setMaxListeners(0, ended.signal)
  const stops = pools.flatMap((pool) => {
    const { upstream } = pool.plan
    return upstream === undefined
      ? []
      : startPool(pool, upstream, { ...tools, signal: ended.signal })
  })
  return () => {
    for (const stop of stops) stop()
    ended.abort()
  }
}

type PoolCheckTools = CheckTools & { readonly signal: AbortSignal }

function startPool(pool: Pool, upstream: UpstreamSettings, tools: PoolCheckTools): (() => void)[] {
  const { active } = upstream.healthchecks
  const asked = new Set<string>()
  const checkWhere = (healthy: boolean): void => {
    const wanted = (target: Target): boolean =>
      target.weight > 0 && target.state.health.healthy === healthy && !asked.has(target.key)
    void checkAll(pool.targets().filter(wanted), { pool, upstream, asked, ...tools })
  }
  const kinds = [
    [active.healthy.interval, true],
    [active.unhealthy.interval, false],
  ] as const
  return kinds.flatMap(([interval, healthy]) =>
    interval === 0 ? [] : [tools.timers.every(interval * 1000, () => checkWhere(healthy))],
  )
}

type Round = PoolCheckTools & {
  readonly pool: Pool
  readonly upstream: UpstreamSettings
  /** Keys of the targets that are being asked; nobody is asked twice at a time. */
  readonly asked: Set<string>
}

/** Asks `targets`, as many at a time as configured. */
async function checkAll(targets: readonly Target[], round: Round): Promise<void> {
  for (const { key } of targets) round.asked.add(key)
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
  { pool, upstream, asked, probe, signal }: Round,
): Promise<void> {
  const result = signal.aborted
    ? undefined
    : await probe({ target, upstream, certificate: pool.plan.certificate }, signal)
  asked.delete(target.key)
  if (result !== undefined && !signal.aborted) pool.circuitBreaker.reportCheck(target, result)
}

/** What repeats; handed in, so that a test may decide when. */
export type Timers = {
  /** Calls `act` every so many milliseconds; returns how to stop that. */
  every(milliseconds: number, act: () => void): () => void
}

/** The machine's timers; they keep no process alive. */
export const systemTimers: Timers = {
  every(milliseconds, act) {
    const timer = setInterval(act, milliseconds)
    timer.unref()
    return () => clearInterval(timer)
  },
}
