import { hashText, mixHashes } from './hash.ts'
import type { Peer } from './peer.ts'

/** Peers arranged in slots. The owner of a slot is the peer with the highest weighted score in it (weighted rendezvous hashing),
 *  so that a peer that comes takes exactly its share, from all others alike, and no slot ever moves between two peers that stay. */
export type HashRing = {
  /** Who serves an input: the owner of its slot or, when that is not among `open`, whoever of those would own it. */
  find(hash: number, open: readonly Peer[]): Peer | undefined
}

type Member = { readonly peer: Peer; readonly hash: number }

/** Arranges `peers` in `slots`; each slot is settled when it is first asked for. */
export function openHashRing(peers: readonly Peer[], slots: number): HashRing {
  const members = peers.map((peer) => ({ peer, hash: hashText(peer.key) }))
  const hashes = new Map(members.map(({ peer, hash }) => [peer, hash]))
  const owners: (Peer | undefined)[] = Array.from({ length: slots }, () => undefined)
  return {
    find(hash, open) {
      const slot = hash % slots
      const owner = (owners[slot] ??= best(members, slot))
      if (owner === undefined || open === peers || open.includes(owner)) return owner
      return best(
        open.map((peer) => ({ peer, hash: hashes.get(peer) ?? hashText(peer.key) })),
        slot,
      )
    },
  }
}

/** -weight / ln(u) for u uniform in (0, 1): the highest is each peer's with a probability in proportion to its weight. */
function best(members: readonly Member[], slot: number): Peer | undefined {
  const place = mixHashes(slot, 0x51ed270b)
  let found: Peer | undefined
  let highest = 0
  for (const { peer, hash } of members) {
    const uniform = (mixHashes(hash, place) + 0.5) / 0x1_0000_0000
    const score = -peer.weight / Math.log(uniform)
    if (score <= highest) continue
    highest = score
    found = peer
  }
  return found
}
