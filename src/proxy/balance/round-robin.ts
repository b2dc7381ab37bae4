import type { Balancer } from './balancer.ts'
import type { Peer } from './peer.ts'

/** Smooth weighted round-robin, as in nginx: every peer gets its share, and the shares are interleaved rather than in runs. */
export const roundRobin: Balancer = { pick: ({ open }) => nextInTurn(open) }

/** The peer whose turn it is. */
export function nextInTurn(peers: readonly Peer[]): Peer | undefined {
  let best: Peer | undefined
  let total = 0
  for (const peer of peers) {
    peer.state.turn += peer.weight
    total += peer.weight
    if (best === undefined || peer.state.turn > best.state.turn) best = peer
  }
  if (best !== undefined) best.state.turn -= total
  return best
}
