import type { Clock } from '../../lib/clock.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import type { Exchange } from '../exchange.ts'
import { readCookie, sessionCookie } from './cookies.ts'
import { hashInputOf, type HashInput } from './hash-input.ts'
import { hashText, openHashRing, type HashRing } from './hash-ring.ts'
import { tokenOf, type Target, type TargetState } from './target.ts'

export type Candidates = {
  /** Every target that would be available if all were healthy, in a stable order. */
  readonly all: readonly Target[]
  /** Targets for this attempt; not empty unless `draining` has one. */
  readonly available: readonly Target[]
  /** Targets of weight 0, which only keep the clients of their sticky sessions. */
  readonly draining: readonly Target[]
}

export type Balancer = { pick(candidates: Candidates, exchange: Exchange): Target | undefined }

export function openBalancer(upstream: UpstreamSettings, clock: Clock): Balancer {
  switch (upstream.algorithm) {
    case 'round-robin':
      return roundRobin
    case 'least-connections':
      return leastConnections
    case 'latency':
      return openPeakEwma(() => clock.now())
    case 'consistent-hashing':
      return openConsistentHashing(hashInputOf(upstream), upstream.slots)
    case 'sticky-sessions':
      return openStickySessions(
        upstream.sticky_sessions_cookie ?? '',
        upstream.sticky_sessions_cookie_path,
      )
  }
}

/** Smooth weighted round-robin, as in nginx: picks are interleaved in proportion to the weights. */
export const roundRobin: Balancer = { pick: ({ available }) => pickRoundRobin(available) }

function pickRoundRobin(targets: readonly Target[]): Target | undefined {
  let best: Target | undefined
  let total = 0
  for (const target of targets) {
    target.state.currentWeight += target.weight
    total += target.weight
    if (best === undefined || target.state.currentWeight > best.state.currentWeight) best = target
  }
  if (best !== undefined) best.state.currentWeight -= total
  return best
}

/** Fewest exchanges in flight in proportion to the weight; round-robin among equals. */
export const leastConnections: Balancer = {
  pick({ available }) {
    let least = Number.POSITIVE_INFINITY
    let equals: Target[] = []
    for (const target of available) {
      const load = (target.state.inFlight + 1) / target.weight
      if (load > least) continue
      if (load < least) equals = []
      least = load
      equals.push(target)
    }
    return equals.length > 1 ? pickRoundRobin(equals) : equals[0]
  },
}

/** Time constant of the moving average: milliseconds in which an observation decays to 1/e. */
const decayMilliseconds = 10_000

/** Peak EWMA with two random choices, as in Finagle and Kong: of two random targets the one with the lower latency times load. Weights are ignored. */
export function openPeakEwma(now: () => number, random: () => number = Math.random): Balancer {
  return {
    pick({ available }) {
      const [first, second] = drawTwo(available, random)
      if (first === undefined || second === undefined) return first
      const average = averageLatency(available)
      return cost(first, average, now()) <= cost(second, average, now()) ? first : second
    },
  }
}

/** Updates the average: a higher latency replaces it at once, a lower one decays it. */
export function observeLatency(state: TargetState, milliseconds: number, now: number): void {
  const kept = Math.exp(-Math.max(now - state.observedAt, 0) / decayMilliseconds)
  const isPeak = milliseconds > state.latency
  state.latency = isPeak ? milliseconds : state.latency * kept + milliseconds * (1 - kept)
  state.observedAt = now
}

function drawTwo(
  targets: readonly Target[],
  random: () => number,
): readonly (Target | undefined)[] {
  const first = Math.floor(random() * targets.length)
  if (targets.length < 2) return [targets[first]]
  const second = (first + 1 + Math.floor(random() * (targets.length - 1))) % targets.length
  return [targets[first], targets[second]]
}

/** A target without an observation counts as average; an old observation decays. */
function cost({ state }: Target, average: number, now: number): number {
  const { latency, observedAt, inFlight } = state
  const current =
    latency === 0 ? average : latency * Math.exp(-Math.max(now - observedAt, 0) / decayMilliseconds)
  return Math.max(current, 0.01) * (inFlight + 1)
}

function averageLatency(targets: readonly Target[]): number {
  let sum = 0
  let observed = 0
  for (const { state } of targets) {
    if (state.latency === 0) continue
    sum += state.latency
    observed += 1
  }
  return observed === 0 ? 1 : sum / observed
}

/** Equal inputs go to the same target in every worker and node while it is available; requests without an input are balanced round-robin. */
export function openConsistentHashing(input: HashInput, slots: number): Balancer {
  let ring: HashRing | undefined
  let ringTargets: readonly Target[] | undefined
  return {
    pick({ all, available }, exchange) {
      const value = input(exchange)
      if (value === undefined) return pickRoundRobin(available)
      if (ring === undefined || ringTargets !== all) ring = openHashRing(all, slots)
      ringTargets = all
      return ring.find(hashText(value), available)
    },
  }
}

/** A client stays on the target of its cookie, also while that is draining; other clients are balanced round-robin and get the cookie. */
export function openStickySessions(cookie: string, path: string): Balancer {
  const tokens = new WeakMap<Target, string>()
  const token = (target: Target): string => {
    let known = tokens.get(target)
    if (known === undefined) tokens.set(target, (known = tokenOf(target)))
    return known
  }
  return {
    pick({ available, draining }, exchange) {
      const sent = readCookie(exchange.request.headers, cookie)
      const isSent = (target: Target): boolean => token(target) === sent
      const sticky =
        sent === undefined ? undefined : (available.find(isSent) ?? draining.find(isSent))
      const target = sticky ?? pickRoundRobin(available)
      exchange.upstream.cookie =
        target === undefined || target === sticky ? '' : sessionCookie(cookie, token(target), path)
      return target
    },
  }
}
