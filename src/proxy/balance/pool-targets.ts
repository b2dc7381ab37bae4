import type { Found } from './look-up-name.ts'
import { freshState, type Peer, type PeerState } from './peer.ts'
import { literalAddress, type KnownName, type Resolver } from './resolver.ts'

/** A target as the configuration has it. */
export type PoolTarget = {
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly failover: boolean
}

/** Targets of a pool as peers, which follow the answers of name servers. */
export type PoolTargets = {
  /** The peers of now; the same list for as long as nothing changes. */
  peers(now: number): readonly Peer[]
  /** While there are no peers yet: waits until one more name is known to lead somewhere or nowhere. */
  ready(now: number): Promise<unknown> | undefined
  /** Why a target has no peers. */
  failureOf(this: void, target: PoolTarget): unknown
  readonly list: readonly PoolTarget[]
}

/** Follows `list`; the state of each address is kept in `states`, where another pool may find it. */
export function followTargets(
  list: readonly PoolTarget[],
  resolver: Resolver,
  { states, useServiceName }: { states: Map<string, PeerState>; useServiceName: boolean },
): PoolTargets {
  const named = list.filter(({ host }) => literalAddress(host) === undefined)
  let peers: readonly Peer[] | undefined
  let dueAt = 0
  let seen = -1
  let isSettled = named.length === 0

  const look = (): KnownName[] => named.map(({ host }) => resolver.look(host))
  const peersOf = (target: PoolTarget): Peer[] => {
    const literal = literalAddress(target.host)
    const found: Found | undefined =
      literal === undefined
        ? resolver.look(target.host).answer
        : { addresses: [{ host: literal, alternatives: [] }], ttl: 0 }
    return (found?.addresses ?? []).map((address) =>
      buildPeer(target, address, { states, useServiceName }),
    )
  }
  const currentPeers = (now: number): readonly Peer[] => {
    if (peers !== undefined && now < dueAt && seen === resolver.changes) return peers
    const known = look()
    dueAt = Math.min(...known.map((name) => Math.max(name.dueAt, now + least)))
    if (peers === undefined || seen !== resolver.changes) {
      seen = resolver.changes
      peers = keepSame(peers, distinct(list.flatMap(peersOf)))
      forgetIdle(states, peers)
    }
    return peers
  }

  return {
    list,
    peers: currentPeers,
    ready(now) {
      if (isSettled) return undefined
      const asking = look().flatMap((name) =>
        (name.answer ?? name.failure) === undefined ? (name.asking ?? []) : [],
      )
      isSettled = asking.length === 0
      return isSettled || currentPeers(now).length > 0 ? undefined : Promise.race(asking)
    },
    failureOf: ({ host }) =>
      literalAddress(host) === undefined ? resolver.look(host).failure : undefined,
  }
}

/** Milliseconds between two looks at whether an answer is out of date. */
const least = 250

type Keeping = { readonly states: Map<string, PeerState>; readonly useServiceName: boolean }

function buildPeer(
  { host, port, weight, failover }: PoolTarget,
  { host: address, alternatives, service }: Found['addresses'][number],
  { states, useServiceName }: Keeping,
): Peer {
  const actualPort = service?.port ?? port
  const key = `${host}:${port} ${address}:${actualPort}`
  let state = states.get(key)
  if (state === undefined) states.set(key, (state = freshState()))
  return {
    host: address,
    port: actualPort,
    alternatives,
    target: `${host}:${actualPort}`,
    name: useServiceName && service !== undefined ? service.name : host,
    weight: weight === 0 ? 0 : (service?.weight ?? weight),
    failover,
    key,
    state,
  }
}

/** Two targets may lead to the same address of the same name only once. */
function distinct(peers: readonly Peer[]): Peer[] {
  return [...new Map(peers.map((peer) => [peer.key, peer])).values()]
}

/** The list before when nothing in it is different, so that what was computed from it stays. */
function keepSame(before: readonly Peer[] | undefined, after: readonly Peer[]): readonly Peer[] {
  const isSame =
    before?.length === after.length && after.every((peer, at) => isEqual(peer, before[at]))
  return isSame && before !== undefined ? before : after
}

const isEqual = (a: Peer, b: Peer | undefined): boolean =>
  a.key === b?.key &&
  a.weight === b.weight &&
  a.name === b.name &&
  a.alternatives.join() === b.alternatives.join()

/** Names lead elsewhere in the course of time: of addresses that they left, so many are remembered at most. */
const mostLeft = 256

function forgetIdle(states: Map<string, PeerState>, peers: readonly Peer[]): void {
  if (states.size <= peers.length + mostLeft) return
  const current = new Set(peers.map(({ key }) => key))
  for (const [key, { busy }] of states) if (busy === 0 && !current.has(key)) states.delete(key)
}
