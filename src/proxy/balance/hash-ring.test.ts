import fc from 'fast-check'
import { expect, test } from 'vitest'
import { peerOf } from '../../../test/harness/build-peer.ts'
import { hashText } from './hash.ts'
import { openHashRing } from './hash-ring.ts'
import type { Peer } from './peer.ts'

const slots = 10_000
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{3,8}$/), { minLength: 2, maxLength: 10 })
const peersOf = (list: readonly string[]): Peer[] =>
  list.map((name, index) => peerOf({ key: `${name}:80 192.0.2.${index}:80`, weight: 100 }))

/** The owner of every slot. */
function ownersOf(peers: readonly Peer[], open = peers): string[] {
  const ring = openHashRing(peers, slots)
  return Array.from({ length: slots }, (_, slot) => ring.find(slot, open)?.key ?? '')
}

test('a peer that leaves gives up its own slots and no other slot moves; coming back it has them again', () => {
  fc.assert(
    fc.property(names, fc.nat(), (list, seed) => {
      const peers = peersOf(list)
      const leaving = peers[seed % peers.length] as Peer
      const before = ownersOf(peers)
      const after = ownersOf(peers.filter((peer) => peer !== leaving))
      expect(after).not.toContain(leaving.key)
      const kept = (owner: string, slot: number): boolean =>
        owner === leaving.key || owner === after[slot]
      expect(before.every(kept)).toBe(true)
      expect(ownersOf(peers.toReversed())).toEqual(before)
    }),
    { numRuns: 15 },
  )
})

test('an unhealthy peer is stepped over exactly as if it had left', () => {
  fc.assert(
    fc.property(names, fc.nat(), (list, seed) => {
      const peers = peersOf(list)
      const rest = peers.filter((_, index) => index !== seed % peers.length)
      expect(ownersOf(peers, rest)).toEqual(ownersOf(rest))
    }),
    { numRuns: 10 },
  )
})

test('every peer has its share of the slots, to within what chance allows', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 8 }),
      (weights) => {
        const peers = weights.map((weight, index) => peerOf({ key: `peer-${index}`, weight }))
        const owners = ownersOf(peers)
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        for (const { key, weight } of peers) {
          const share = weight / total
          const deviation = Math.sqrt(slots * share * (1 - share))
          const own = owners.filter((owner) => owner === key).length
          expect(Math.abs(own - slots * share)).toBeLessThan(6 * deviation + 1)
        }
      },
    ),
    { numRuns: 20 },
  )
})

test('a peer whose weight grows takes slots and gives none', () => {
  const peers = peersOf(['a', 'b', 'c', 'd'])
  const [grown, ...others] = peers as [Peer, ...Peer[]]
  const before = ownersOf(peers)
  const after = ownersOf([{ ...grown, weight: 200 }, ...others])
  const moved = before.filter((owner, slot) => owner !== after[slot])
  expect(moved).not.toContain(grown.key)
  expect(moved.length / slots).toBeCloseTo(2 / 5 - 1 / 4, 1)
})

test('near texts are spread over all slots', () => {
  const used = new Set(Array.from({ length: 1000 }, (_, index) => hashText(`user-${index}`) % 100))
  expect(used.size).toBe(100)
})
