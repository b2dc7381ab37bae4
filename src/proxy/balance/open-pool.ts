import type { Clock } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import { isIdempotent, type Attempt, type Exchange } from '../exchange.ts'
import { openCircuitBreaker, type CircuitBreaker } from '../health/circuit-breaker.ts'
import type { HealthResult } from '../health/health.ts'
import type { TargetLimits } from '../limits.ts'
import { observeLatency, type Balancer, type Candidates } from './balancers.ts'
import { RequestQueue, targetsBusy } from './request-queue.ts'
import { resolveTargets, type TargetConfig } from './resolve-targets.ts'
import { unresolvedName, type Resolver } from './resolver.ts'
import type { Target, TargetState } from './target.ts'

export type PoolPlan = {
  /** Equal in every program for the same upstream, or for the same service without an upstream. */
  readonly id: string
  readonly targets: readonly TargetConfig[]
  readonly balancer: Balancer
  /** Undefined for a service that has its address itself. */
  readonly upstream: UpstreamSettings | undefined
  /** The client certificate of active health checks; PEM. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
}

/** State of a pool that outlives a program. */
export class PoolMemory {
  private usedStates: Map<string, TargetState> | undefined
  private usedQueue: RequestQueue | undefined
  /** Increases whenever the health of a target changes. */
  changes = 0

  get states(): Map<string, TargetState> {
    return (this.usedStates ??= new Map())
  }

  get queue(): RequestQueue {
    return (this.usedQueue ??= new RequestQueue())
  }

  /** False while no pool with this memory was used. */
  get isUsed(): boolean {
    return this.usedStates !== undefined
  }
}

/** The targets of an upstream. */
export type Pool = {
  readonly plan: PoolPlan
  readonly memory: PoolMemory
  /** While no name is resolved: resolves after the next lookup. Call again afterwards. */
  ready(): Promise<unknown> | undefined
  /**
   * Picks the target of the next attempt, one without an earlier attempt if possible, and counts the exchange as in
   * flight. Throws when there is none. When every target is at its limit, waits for at most `milliseconds`.
   */
  take(exchange: Exchange, milliseconds: number): Target | Promise<Target>
  /** Reports a response head; the exchange stays in flight. */
  answered(target: Target, status: number, milliseconds: number): void
  /** Reports a failed attempt; without a result, the client left before a response. */
  failed(target: Target, result: HealthResult | undefined): void
  /** Ends an exchange that `take` began. */
  release(target: Target): void
  targets(): readonly Target[]
  readonly circuitBreaker: CircuitBreaker
}

export type PoolContext = {
  readonly clock: Clock
  readonly resolver: Resolver
  readonly limits: TargetLimits
}

/** Opens a pool, which takes little memory until its first use. */
export const openPool = (plan: PoolPlan, memory: PoolMemory, context: PoolContext): Pool =>
  new LazyPool(plan, memory, context)

class LazyPool implements Pool {
  readonly plan: PoolPlan
  readonly memory: PoolMemory
  private readonly context: PoolContext
  private used: UsedPool | undefined

  constructor(plan: PoolPlan, memory: PoolMemory, context: PoolContext) {
    this.plan = plan
    this.memory = memory
    this.context = context
  }

  private use(): UsedPool {
    return (this.used ??= usePool(this.plan, this.memory, this.context))
  }

  get circuitBreaker(): CircuitBreaker {
    return this.use().circuitBreaker
  }

  ready(): Promise<unknown> | undefined {
    return this.use().ready()
  }

  take(exchange: Exchange, milliseconds: number): Target | Promise<Target> {
    return this.use().take(exchange, milliseconds)
  }

  answered(target: Target, status: number, milliseconds: number): void {
    this.use().answered(target, status, milliseconds)
  }

  failed(target: Target, result: HealthResult | undefined): void {
    this.use().failed(target, result)
  }

  release(target: Target): void {
    this.use().release(target)
  }

  targets(): readonly Target[] {
    return this.use().targets()
  }
}

type UsedPool = Omit<Pool, 'plan' | 'memory'>

function usePool(
  plan: PoolPlan,
  memory: PoolMemory,
  { clock, resolver, limits }: PoolContext,
): UsedPool {
  const { balancer, upstream } = plan
  const healthchecks = upstream?.healthchecks
  const useServiceName = upstream?.use_srv_name === true
  const resolved = resolveTargets(plan.targets, resolver, memory.states, useServiceName)
  const targets = (): readonly Target[] => resolved.targets(clock.now())
  const circuitBreaker = openCircuitBreaker({ healthchecks, clock, memory, targets })
  const currentCandidates = trackCandidates(targets, memory, healthchecks?.threshold ?? 0)

  const hasCapacity = ({ state }: Target): boolean => state.inFlight < limits.inFlight
  // A UDP session is no connection to a target and mostly idle; the worker limits their number.
  const hasCapacityFor = ({ request }: Exchange): ((target: Target) => boolean) =>
    request.scheme === 'udp' ? () => true : hasCapacity
  const pick = (exchange: Exchange): Target | 'busy' | undefined => {
    const candidates = currentCandidates()
    const { draining } = candidates
    const trial = circuitBreaker.pickTrial(
      candidates.available.length === 0 || isIdempotent(exchange.request.method),
    )
    if (trial !== undefined) return trial
    if (candidates.available.length === 0 && draining.length === 0) return undefined
    const mayTake = hasCapacityFor(exchange)
    const withCapacity = candidates.available.every(mayTake)
      ? candidates.available
      : candidates.available.filter(mayTake)
    if (withCapacity.length === 0 && draining.length === 0) return 'busy'
    const available = withoutAttempts(withCapacity, exchange.upstream.attempts)
    return balancer.pick(
      available === candidates.available ? candidates : { ...candidates, available },
      exchange,
    )
  }
  const isAvailable = ({ state }: Target): boolean =>
    currentCandidates().available.some((target) => target.state === state)

  return {
    circuitBreaker,
    targets,
    ready: () => resolved.ready(clock.now()),
    take(exchange, milliseconds) {
      const target = pick(exchange)
      if (target === undefined) {
        const failures = targets().length > 0 ? [] : plan.targets.map(resolved.failureOf)
        throw noTarget(failures.find((failure) => failure !== undefined))
      }
      if (target === 'busy') {
        if (memory.queue.length >= limits.waiting) throw targetsBusy()
        return memory.queue.wait(exchange, milliseconds)
      }
      target.state.inFlight += 1
      return target
    },
    answered(target, status, milliseconds) {
      observeLatency(target.state, milliseconds, clock.now())
      circuitBreaker.report(target, status)
    },
    failed(target, result) {
      circuitBreaker.report(target, result)
    },
    release(target) {
      target.state.inFlight -= 1
      const { queue } = memory
      if (queue.length > 0 && hasCapacity(target) && isAvailable(target)) {
        target.state.inFlight += 1
        queue.serve(target)
      }
    },
  }
}

/** The targets without an attempt of the exchange, or all if each had one. */
function withoutAttempts(
  targets: readonly Target[],
  attempts: readonly Attempt[],
): readonly Target[] {
  if (attempts.length === 0) return targets
  const rest = targets.filter(({ key }) => attempts.every(({ target }) => target.key !== key))
  return rest.length === 0 ? targets : rest
}

const noTarget = (dnsFailure: unknown): Problem =>
  dnsFailure === undefined
    ? new Problem('upstream.no_peer', 503, 'failure to get a peer from the ring-balancer')
    : unresolvedName(dnsFailure)

/** Computes the candidates again only when targets or their health changed. While at most `threshold` percent of the weight is healthy, no target is available. */
function trackCandidates(
  targets: () => readonly Target[],
  memory: { readonly changes: number },
  threshold: number,
): () => Candidates {
  let seenTargets: readonly Target[] | undefined
  let seenChanges = -1
  let candidates: Candidates = { all: [], available: [], draining: [] }
  return () => {
    const current = targets()
    if (current === seenTargets && seenChanges === memory.changes) return candidates
    const next = findCandidates(current)
    const all = isSame(candidates.all, next.all) ? candidates.all : next.all
    candidates = isBelowThreshold(current, threshold)
      ? { all, available: [], draining: [] }
      : {
          all,
          // The same list where all are available, so that balancers can compare by identity.
          available: next.available.length === all.length ? all : next.available,
          draining: next.draining,
        }
    seenTargets = current
    seenChanges = memory.changes
    return candidates
  }
}

/** Failover targets are available only while no other target is healthy. */
function findCandidates(targets: readonly Target[]): Candidates {
  const draining = targets.filter((target) => target.weight === 0 && isHealthy(target))
  const primary = targets.filter(({ weight, failover }) => weight > 0 && !failover)
  const secondary = targets.filter(({ weight, failover }) => weight > 0 && failover)
  const healthy = primary.filter(isHealthy)
  return healthy.length > 0 || secondary.length === 0
    ? { all: primary, available: healthy, draining }
    : { all: secondary, available: secondary.filter(isHealthy), draining }
}

const isHealthy = ({ state }: Target): boolean => state.health.healthy

const isSame = (a: readonly Target[], b: readonly Target[]): boolean =>
  a.length === b.length && a.every((target, at) => target === b[at])

/** As in Kong, the healthy share must be greater than the threshold. */
function isBelowThreshold(targets: readonly Target[], threshold: number): boolean {
  if (threshold === 0) return false
  const sum = (list: readonly Target[]): number =>
    list.reduce((total, { weight }) => total + weight, 0)
  const total = sum(targets)
  return total > 0 && (sum(targets.filter(isHealthy)) / total) * 100 <= threshold
}
