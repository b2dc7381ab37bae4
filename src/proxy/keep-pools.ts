import { systemClock, type Clock } from '../lib/clock.ts'
import { silentLog, type Log } from '../lib/log.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import type { TargetOrder } from '../schema/node-protocol.ts'
import type { UpstreamHealth } from '../schema/upstream-health.ts'
import { openLookup, type Lookup } from './balance/look-up-name.ts'
import {
  newPoolMemory,
  openPool,
  type Pool,
  type PoolMemory,
  type PoolPlan,
} from './balance/open-pool.ts'
import type { Target } from './balance/target.ts'
import { defaultTargetLimits, type TargetLimits } from './limits.ts'
import { openResolver } from './balance/resolver.ts'
import { ejectByOverride, recover, usesHealthchecks } from './health/health.ts'
import { probeTarget, type Probe } from './health/probe-target.ts'
import { startHealthChecks, systemTimers, type Timers } from './health/start-checks.ts'

/** Holds DNS answers and the health of targets across programs. */
export type PoolKeeper = {
  readonly clock: Clock
  /** Opens a pool with the state of its predecessor of the same id. */
  open(plan: PoolPlan): Pool
  /** Starts health checks and DNS lookups for these pools instead of the previous ones, whose state is dropped. Returns how to stop. */
  watch(pools: readonly Pool[]): CooperativeTask<() => void>
  health(this: void): UpstreamHealth[]
  /** Sets the health of a target by hand, until a check or another override changes it. */
  overrideHealth(this: void, order: TargetOrder): void
}

/** Replaced in tests; the defaults are the machine's own. */
export type KeeperTools = {
  readonly clock?: Clock
  readonly timers?: Timers
  readonly lookUp?: Lookup
  readonly probe?: Probe
  readonly limits?: TargetLimits
  /** Logs failed lookups and probes. */
  readonly log?: Log
}

/** Opens a PoolKeeper. */
export function keepPools({
  clock = systemClock,
  timers = systemTimers,
  log = silentLog,
  lookUp = openLookup({ log }),
  probe = probeTarget,
  limits = defaultTargetLimits,
}: KeeperTools = {}): PoolKeeper {
  const resolver = openResolver(lookUp, clock, log)
  const memories = new WeakMap<Pool, PoolMemory>()
  let watched: readonly Pool[] = []
  let known = new Map<string, PoolMemory>()
  let stopChecks = (): void => undefined

  return {
    clock,
    open(plan) {
      const memory = known.get(plan.id) ?? newPoolMemory()
      const pool = openPool(plan, { clock, resolver, memory, limits })
      memories.set(pool, memory)
      return pool
    },
    *watch(pools) {
      const next = new Map<string, PoolMemory>()
      const settlements: (() => void)[] = []
      for (const pool of pools) {
        yield
        const memory = memories.get(pool) ?? newPoolMemory()
        next.set(pool.plan.id, memory)
        settlements.push(planSettlement(pool, memory))
        pool.targets()
      }
      const hosts = new Set(pools.flatMap(({ plan }) => plan.targets.map(({ host }) => host)))
      const stop = startHealthChecks(pools, { timers, probe, log })
      // What can throw is done; until here the previous pools keep their checks and their state.
      stopChecks()
      stopChecks = stop
      watched = pools
      known = next
      for (const settle of settlements) settle()
      resolver.keepOnly(hosts)
      return () => {
        stop()
        if (watched === pools) watched = []
      }
    },
    overrideHealth(order) {
      const pool = watched.find(({ plan }) => plan.id === order.upstream)
      const memory = known.get(order.upstream)
      if (pool !== undefined && memory !== undefined) applyHealthOverride(pool, memory, order)
    },
    health: () =>
      watched.flatMap((pool) => {
        const { upstream } = pool.plan
        return upstream === undefined
          ? []
          : [describePool(pool, usesHealthchecks(upstream.healthchecks))]
      }),
  }
}

function applyHealthOverride(pool: Pool, memory: PoolMemory, order: TargetOrder): void {
  const { target, address, healthy } = order
  for (const { key, host, port, state } of pool.targets()) {
    const isMeant = address === null || address === `${host}:${port}`
    if (!isMeant || !key.startsWith(`${target} `)) continue
    if (healthy) recover(state.health)
    else ejectByOverride(state.health)
  }
  memory.changes += 1
}

/** Returns how to drop the state of targets that are not configured any more, and to make targets without health checks healthy. */
function planSettlement({ plan }: Pool, memory: PoolMemory): () => void {
  const wanted = new Set(plan.targets.map(({ host, port }) => `${host}:${port}`))
  const isChecked = plan.upstream !== undefined && usesHealthchecks(plan.upstream.healthchecks)
  return () => {
    for (const [key, { health }] of memory.states) {
      if (!wanted.has(key.slice(0, key.indexOf(' ')))) memory.states.delete(key)
      else if (!isChecked) recover(health)
    }
    memory.changes += 1
  }
}

type TargetHealth = UpstreamHealth['targets'][number]
type AddressHealth = TargetHealth['addresses'][number]['health']

/** The health of a pool in Kong's terms: a target is healthy while one of its addresses is. */
function describePool(pool: Pool, isChecked: boolean): UpstreamHealth {
  const targets = Map.groupBy(pool.targets(), ({ key }) => key.slice(0, key.indexOf(' ')))
  return {
    upstream: pool.plan.id,
    targets: pool.plan.targets.map(({ host, port }): TargetHealth => {
      const own = targets.get(`${host}:${port}`) ?? []
      const addresses = own.map((target) => ({
        ip: target.host,
        port: target.port,
        weight: target.weight,
        health: healthOf(target, isChecked),
      }))
      return { target: `${host}:${port}`, health: summary(addresses, isChecked), addresses }
    }),
  }
}

const healthOf = ({ state }: Target, isChecked: boolean): AddressHealth =>
  isChecked ? (state.health.healthy ? 'HEALTHY' : 'UNHEALTHY') : 'HEALTHCHECKS_OFF'

function summary(addresses: TargetHealth['addresses'], isChecked: boolean): TargetHealth['health'] {
  if (addresses.length === 0) return 'DNS_ERROR'
  if (!isChecked) return 'HEALTHCHECKS_OFF'
  return addresses.some(({ health }) => health === 'HEALTHY') ? 'HEALTHY' : 'UNHEALTHY'
}
