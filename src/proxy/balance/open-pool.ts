import type { Clock } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import type { Attempt, Exchange } from '../exchange.ts'
import type { Finding } from '../health/health.ts'
import { openCircuit, type Circuit } from '../health/open-circuit.ts'
import { isIdempotent } from '../idempotent.ts'
import { unresolvedName } from '../unresolved-name.ts'
import type { Balancer } from './balancer.ts'
import { observeLatency } from './latency.ts'
import { openChooser } from './open-chooser.ts'
import type { Peer, PeerState } from './peer.ts'
import type { PeerLimits } from '../peer-limits.ts'
import { busyTargets, WaitingLine } from './waiting-line.ts'
import { followTargets, type PoolTarget } from './pool-targets.ts'
import type { Resolver } from './resolver.ts'

/** What a pool is made of. */
export type PoolPlan = {
  /** Equal in every program for the same upstream or the same direct service. */
  readonly id: string
  readonly targets: readonly PoolTarget[]
  readonly balancer: Balancer
  /** Absent for a service that has its address itself. */
  readonly upstream: UpstreamSettings | undefined
  /** What checks show when a target asks who calls; PEM. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
}

/** What is remembered of a pool from one program to the next. */
export type PoolMemory = {
  readonly states: Map<string, PeerState>
  /** Grows whenever a peer falls ill or recovers. */
  changes: number
  /** Who waits for a peer with room. */
  readonly line: WaitingLine
}

/** What is remembered of a pool of which nothing is known. */
export const freshMemory = (): PoolMemory => ({
  states: new Map(),
  changes: 0,
  line: new WaitingLine(),
})

/** The peers of an upstream, and who is asked next. */
export type Pool = {
  readonly plan: PoolPlan
  /** While no name leads anywhere yet: waits until one more is known to, or not to. To be called again afterwards. */
  ready(): Promise<unknown> | undefined
  /** The peer for the next try, which counts as busy from now on: another one than before while there is one. Refuses when there is none. When each is as busy as it may be, it is a promise, which waits for one at most so many milliseconds. */
  take(exchange: Exchange, patience: number): Peer | Promise<Peer>
  /** A peer answered; it stays busy. */
  answered(peer: Peer, status: number, milliseconds: number): void
  /** A peer failed, or, without a finding, the client left before it answered. */
  failed(peer: Peer, finding: Finding | undefined): void
  /** A peer is done with. */
  release(peer: Peer): void
  /** All peers of now. */
  peers(): readonly Peer[]
  readonly circuit: Circuit
  failureOf(target: PoolTarget): unknown
}

/** What pools are made with. */
export type PoolTools = {
  readonly clock: Clock
  readonly resolver: Resolver
  readonly memory: PoolMemory
  readonly limits: PeerLimits
}

/** Opens a pool. */
export function openPool(plan: PoolPlan, { clock, resolver, memory, limits }: PoolTools): Pool {
  const { balancer, upstream } = plan
  const healthchecks = upstream?.healthchecks
  const targets = followTargets(plan.targets, resolver, {
    states: memory.states,
    useServiceName: upstream?.use_srv_name === true,
  })
  const peers = (): readonly Peer[] => targets.peers(clock.now())
  const circuit = openCircuit({ healthchecks, clock, memory, peers })
  const choose = openChooser(peers, memory, healthchecks?.threshold ?? 0)

  const hasRoom = ({ state }: Peer): boolean => state.busy < limits.busy
  const pick = (exchange: Exchange): Peer | 'busy' | undefined => {
    const among = choose()
    const onTrial = circuit.pickTrial(
      among.open.length === 0 || isIdempotent(exchange.request.method),
    )
    if (onTrial !== undefined) return onTrial
    if (among.open.length === 0 && among.draining.length === 0) return undefined
    const open = among.open.every(hasRoom) ? among.open : among.open.filter(hasRoom)
    if (open.length === 0 && among.draining.length === 0) return 'busy'
    const fresh = untried(open, exchange.upstream.attempts)
    return balancer.pick(fresh === among.open ? among : { ...among, open: fresh }, exchange)
  }
  const isOpen = ({ state }: Peer): boolean => choose().open.some((peer) => peer.state === state)

  return {
    plan,
    circuit,
    peers,
    ready: () => targets.ready(clock.now()),
    failureOf: (target) => targets.failureOf(target),
    take(exchange, patience) {
      const peer = pick(exchange)
      if (peer === undefined) throw noPeer(peers(), plan, targets.failureOf)
      if (peer === 'busy') {
        if (memory.line.length >= limits.waiting) throw busyTargets()
        return memory.line.join(exchange, patience)
      }
      peer.state.busy += 1
      return peer
    },
    answered(peer, status, milliseconds) {
      observeLatency(peer.state, milliseconds, clock.now())
      circuit.report(peer, status)
    },
    failed(peer, finding) {
      circuit.report(peer, finding)
    },
    release(peer) {
      peer.state.busy -= 1
      const { line } = memory
      if (line.length > 0 && hasRoom(peer) && isOpen(peer)) {
        peer.state.busy += 1
        line.serve(peer)
      }
    },
  }
}

/** The peers that no try went to, or all when one went to each. */
function untried(peers: readonly Peer[], attempts: readonly Attempt[]): readonly Peer[] {
  if (attempts.length === 0) return peers
  const fresh = peers.filter(({ key }) => attempts.every(({ peer }) => peer.key !== key))
  return fresh.length === 0 ? peers : fresh
}

function noPeer(
  peers: readonly Peer[],
  { targets }: PoolPlan,
  failureOf: (target: PoolTarget) => unknown,
): Problem {
  const cause =
    peers.length > 0 ? undefined : targets.map(failureOf).find((one) => one !== undefined)
  if (cause !== undefined) return unresolvedName(cause)
  return new Problem('upstream.no_peer', 503, 'failure to get a peer from the ring-balancer')
}
