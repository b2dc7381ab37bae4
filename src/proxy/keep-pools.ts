import { systemClock, type Clock } from '../lib/clock.ts'
import { openEgress, type Egress } from '../lib/egress.ts'
import { silentLog, type Log } from '../lib/log.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import { RadixMap, type Difference } from '../lib/radix-map.ts'
import type { TargetOrder } from '../schema/node-protocol.ts'
import type { UpstreamHealth } from '../schema/upstream-health.ts'
import { openLookup, type Lookup } from './balance/look-up-name.ts'
import { PoolMemory, openPool, type Pool, type PoolPlan } from './balance/open-pool.ts'
import type { Target } from './balance/target.ts'
import { defaultTargetLimits, type TargetLimits } from './limits.ts'
import { literalAddress, openResolver, type Resolver } from './balance/resolver.ts'
import { ejectByOverride, recover, usesHealthchecks } from './health/health.ts'
import { openProbe, type Probe } from './health/probe-target.ts'
import {
  hasEqualChecks,
  isUpstreamPool,
  startHealthChecks,
  systemTimers,
  type CheckTools,
  type HealthChecks,
  type Timers,
  type UpstreamPool,
} from './health/start-checks.ts'

/** Holds DNS answers and the health of targets across programs. */
export type PoolKeeper = {
  readonly clock: Clock
  /** Opens a pool with the state of the watched pool of the same id. */
  open(plan: PoolPlan): Pool
  /**
   * Watches these pools, by id, instead of the previous ones: runs their health checks, and keeps their DNS answers and
   * the state of their targets. Only the pools that differ are touched; if it throws, nothing has changed. Returns a function to
   * stop, which does nothing after a later call.
   */
  watch(pools: RadixMap<Pool>): CooperativeTask<() => void>
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
  /** Addresses that probes may connect to. */
  readonly egress?: Egress
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
  egress = openEgress(),
  probe = openProbe(egress),
  limits = defaultTargetLimits,
}: KeeperTools = {}): PoolKeeper {
  const resolver = openResolver(lookUp, clock, log)
  const context = { clock, resolver, limits }
  /** Of the watched pools of upstreams, by id. */
  const checks = new Map<string, HealthChecks>()
  let watched = RadixMap.empty<Pool>()
  let watches = 0

  const apply = (
    changes: readonly PoolChange[],
    started: ReadonlyMap<string, HealthChecks>,
    pools: RadixMap<Pool>,
  ): void => {
    for (const { id, successor, settle } of changes) {
      const running = checks.get(id)
      const next = started.get(id)
      if (successor !== undefined) running?.replacePool(successor)
      else {
        running?.stop()
        if (next === undefined) checks.delete(id)
        else checks.set(id, next)
      }
      settle()
    }
    resolver.retain(changes.flatMap(({ added }) => added))
    resolver.release(changes.flatMap(({ removed }) => removed))
    watched = pools
    watches += 1
  }
  const stop = (): void => {
    const none = RadixMap.empty<Pool>()
    const changes = Array.from(watched.differencesTo(none), (one) => planChange(one, resolver))
    apply(changes, new Map(), none)
  }

  return {
    clock,
    open(plan) {
      return openPool(plan, watched.get(plan.id)?.memory ?? new PoolMemory(), context)
    },
    *watch(pools) {
      let compared: RadixMap<Pool>
      let changes: PoolChange[]
      do {
        compared = watched
        changes = []
        for (const difference of compared.differencesTo(pools)) {
          yield
          if (!isNothing(difference)) changes.push(planChange(difference, resolver))
        }
        // While this was suspended, other pools may have been watched.
      } while (compared !== watched)
      const started = startAll(changes, { timers, probe, log })
      // Nothing below throws. Up to here the previous pools keep their checks and their state.
      apply(changes, started, pools)
      const own = watches
      return () => {
        if (own === watches) stop()
      }
    },
    overrideHealth(order) {
      const pool = watched.get(order.upstream)
      if (pool !== undefined) applyHealthOverride(pool, order)
    },
    health: () => Array.from(checks.values(), ({ pool }) => describePool(pool)),
  }
}

/** A step from the watched pool of an id to the next one. */
type PoolChange = {
  readonly id: string
  /** The pool whose checks start. */
  readonly checked: UpstreamPool | undefined
  /** The pool with which the running checks continue. */
  readonly successor: UpstreamPool | undefined
  /** Drops the state that is not needed any more. */
  readonly settle: () => void
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Whether a new pool has nothing to check, look up or keep, like most pools of a large configuration. */
const isNothing = ({ before, after }: Difference<Pool>): boolean =>
  before === undefined &&
  after?.plan.upstream === undefined &&
  after?.memory.isUsed === false &&
  namesOf(after).length === 0

/** Starts the first lookups of the next pool. */
function planChange({ key: id, before, after }: Difference<Pool>, resolver: Resolver): PoolChange {
  const added = namesOf(after)
  // A pool that was watched before may have targets although its names have left the cache.
  for (const name of added) resolver.lookUp(name)
  const next = isUpstreamPool(after) ? after : undefined
  next?.targets()
  const goesOn = next !== undefined && isUpstreamPool(before) && hasEqualChecks(before, next)
  return {
    id,
    checked: goesOn ? undefined : next,
    successor: goesOn ? next : undefined,
    settle: after === undefined ? () => undefined : planSettlement(after),
    added,
    removed: namesOf(before),
  }
}

function namesOf(pool: Pool | undefined): readonly string[] {
  const named = pool?.plan.targets.filter(({ host }) => literalAddress(host) === undefined) ?? []
  return named.length === 0 ? none : named.map(({ host }) => host)
}

const none: readonly never[] = []

/** Starts the checks of all these pools or, if it throws, of none. */
function startAll(
  changes: readonly PoolChange[],
  tools: CheckTools,
): ReadonlyMap<string, HealthChecks> {
  const started = new Map<string, HealthChecks>()
  try {
    for (const { id, checked } of changes)
      if (checked !== undefined) started.set(id, startHealthChecks(checked, tools))
  } catch (error) {
    for (const one of started.values()) one.stop()
    throw error
  }
  return started
}

function applyHealthOverride(pool: Pool, order: TargetOrder): void {
  const { target, address, healthy } = order
  for (const { key, host, port, state } of pool.targets()) {
    const isMeant = address === null || address === `${host}:${port}`
    if (!isMeant || !key.startsWith(`${target} `)) continue
    if (healthy) recover(state.health)
    else ejectByOverride(state.health)
  }
  pool.memory.changes += 1
}

/** Returns a function that drops the state of targets that are no longer configured, and makes targets without health checks healthy. */
function planSettlement(pool: Pool): () => void {
  const { plan, memory } = pool
  const wanted = new Set(plan.targets.map(({ host, port }) => `${host}:${port}`))
  const isChecked = plan.upstream !== undefined && usesHealthchecks(plan.upstream.healthchecks)
  return () => {
    if (!memory.isUsed) return
    // Watched again after a program without some of its targets was rejected, a pool has states that the memory lost.
    for (const { key, state } of pool.targets()) memory.states.set(key, state)
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
function describePool(pool: UpstreamPool): UpstreamHealth {
  const isChecked = usesHealthchecks(pool.plan.upstream.healthchecks)
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
