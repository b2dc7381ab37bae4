import { setMaxListeners } from 'node:events'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import type { Pool } from '../balance/open-pool.ts'
import type { Peer } from '../balance/peer.ts'
import type { Probe } from './probe-peer.ts'
import type { Timers } from './timers.ts'

/** What checks are made with. */
export type CheckTools = { readonly timers: Timers; readonly probe: Probe }

/** Starts to ask the peers of pools how they are, the healthy and the unhealthy each at their interval; returns how to stop. */
export function startChecks(pools: readonly Pool[], tools: CheckTools): () => void {
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
    const wanted = (peer: Peer): boolean =>
      peer.weight > 0 && peer.state.health.healthy === healthy && !asked.has(peer.key)
    void checkAll(pool.peers().filter(wanted), { pool, upstream, asked, ...tools })
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
  /** Keys of the peers that are being asked; nobody is asked twice at a time. */
  readonly asked: Set<string>
}

/** Asks `peers`, as many at a time as configured. */
async function checkAll(peers: readonly Peer[], round: Round): Promise<void> {
  for (const { key } of peers) round.asked.add(key)
  const waiting = [...peers]
  const work = async (): Promise<void> => {
    for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift())
      await check(peer, round)
  }
  const { concurrency } = round.upstream.healthchecks.active
  await Promise.all(Array.from({ length: Math.min(concurrency, peers.length) }, work))
}

async function check(peer: Peer, { pool, upstream, asked, probe, signal }: Round): Promise<void> {
  const finding = signal.aborted
    ? undefined
    : await probe({ peer, upstream, certificate: pool.plan.certificate }, signal)
  asked.delete(peer.key)
  if (finding !== undefined && !signal.aborted) pool.circuit.reportCheck(peer, finding)
}
