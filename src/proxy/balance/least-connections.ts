import type { Balancer } from './balancer.ts'
import type { Peer } from './peer.ts'
import { nextInTurn } from './round-robin.ts'

/** The peer with the most spare capacity: fewest exchanges under way for its weight; equals take turns. */
export const leastConnections: Balancer = {
  pick({ open }) {
    let least = Number.POSITIVE_INFINITY
    let equals: Peer[] = []
    for (const peer of open) {
      const load = (peer.state.busy + 1) / peer.weight
      if (load > least) continue
      if (load < least) equals = []
      least = load
      equals.push(peer)
    }
    return equals.length > 1 ? nextInTurn(equals) : equals[0]
  },
}
