import type { Balancer } from './balancer.ts'
import { hashText } from './hash.ts'
import type { HashInput } from './hash-input.ts'
import { openHashRing, type HashRing } from './hash-ring.ts'
import type { Peer } from './peer.ts'
import { nextInTurn } from './round-robin.ts'

/** The same input goes to the same peer, whatever worker or node is asked, for as long as that peer can be asked; a request without input goes to whoever's turn it is. */
export function openConsistentHashing(input: HashInput, slots: number): Balancer {
  let ring: HashRing | undefined
  let arranged: readonly Peer[] | undefined
  return {
    pick({ all, open }, exchange) {
      const value = input(exchange)
      if (value === undefined) return nextInTurn(open)
      if (ring === undefined || arranged !== all) ring = openHashRing(all, slots)
      arranged = all
      return ring.find(hashText(value), open)
    },
  }
}
