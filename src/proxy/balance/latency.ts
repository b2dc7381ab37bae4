import type { Balancer } from './balancer.ts'
import type { Peer, PeerState } from './peer.ts'

/** Milliseconds in which an observation loses all but 1/e of its influence. */
const memory = 10_000

/** Picks by peak EWMA, as in Finagle and Kong: of two peers drawn at random the one expected to answer sooner, counting those that already wait there. Weights do not matter. */
export function openLatency(now: () => number, random: () => number = Math.random): Balancer {
  return {
    pick({ open }) {
      const [first, second] = draw(open, random)
      if (first === undefined || second === undefined) return first
      const usual = averageLatency(open)
      return expected(first, usual, now()) <= expected(second, usual, now()) ? first : second
    },
  }
}

/** Takes in how long an answer took: a slow one counts at once, fast ones win back trust over time. */
export function observeLatency(state: PeerState, milliseconds: number, now: number): void {
  const kept = Math.exp(-Math.max(now - state.observedAt, 0) / memory)
  const isPeak = milliseconds > state.latency
  state.latency = isPeak ? milliseconds : state.latency * kept + milliseconds * (1 - kept)
  state.observedAt = now
}

function draw(peers: readonly Peer[], random: () => number): readonly (Peer | undefined)[] {
  const first = Math.floor(random() * peers.length)
  if (peers.length < 2) return [peers[first]]
  const second = (first + 1 + Math.floor(random() * (peers.length - 1))) % peers.length
  return [peers[first], peers[second]]
}

/** A peer that never answered is expected to be like the others; one that answered long ago is forgiven in time. */
function expected({ state }: Peer, usual: number, now: number): number {
  const { latency, observedAt, busy } = state
  const current =
    latency === 0 ? usual : latency * Math.exp(-Math.max(now - observedAt, 0) / memory)
  return Math.max(current, 0.01) * (busy + 1)
}

function averageLatency(peers: readonly Peer[]): number {
  let sum = 0
  let known = 0
  for (const { state } of peers) {
    if (state.latency === 0) continue
    sum += state.latency
    known += 1
  }
  return known === 0 ? 1 : sum / known
}
