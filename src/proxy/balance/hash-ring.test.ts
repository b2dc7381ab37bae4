import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildTarget } from '../../../test/harness/build-target.ts'
import { hashText, openHashRing } from './hash-ring.ts'
import type { Target } from './target.ts'

const slots = 10_000
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{3,8}$/), { minLength: 2, maxLength: 10 })
const targetsOf = (list: readonly string[]): Target[] =>
  list.map((name, index) => buildTarget({ key: `${name}:80 192.0.2.${index}:80`, weight: 100 }))

/** The owner of every slot. */
function ownersOf(targets: readonly Target[], open = targets): string[] {
  const ring = openHashRing(targets, slots)
  return Array.from({ length: slots }, (_, slot) => ring.find(slot, open)?.key ?? '')
}

test('removing a target moves only its own slots, and adding it again restores them', () => {
  fc.assert(
    fc.property(names, fc.nat(), (list, seed) => {
      const targets = targetsOf(list)
      const leaving = targets[seed % targets.length] as Target
      const before = ownersOf(targets)
      const after = ownersOf(targets.filter((target) => target !== leaving))
      expect(after).not.toContain(leaving.key)
      const kept = (owner: string, slot: number): boolean =>
        owner === leaving.key || owner === after[slot]
      expect(before.every(kept)).toBe(true)
      expect(ownersOf(targets.toReversed())).toEqual(before)
    }),
    { numRuns: 15 },
  )
})

test('an unavailable target is skipped exactly as if it were removed', () => {
  fc.assert(
    fc.property(names, fc.nat(), (list, seed) => {
      const targets = targetsOf(list)
      const rest = targets.filter((_, index) => index !== seed % targets.length)
      expect(ownersOf(targets, rest)).toEqual(ownersOf(rest))
    }),
    { numRuns: 10 },
  )
})

test('each target owns a share of the slots in proportion to its weight', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 8 }),
      (weights) => {
        const targets = weights.map((weight, index) =>
          buildTarget({ key: `target-${index}`, weight }),
        )
        const owners = ownersOf(targets)
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        for (const { key, weight } of targets) {
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

test('a target whose weight grows gains slots and loses none', () => {
  const targets = targetsOf(['a', 'b', 'c', 'd'])
  const [grown, ...others] = targets as [Target, ...Target[]]
  const before = ownersOf(targets)
  const after = ownersOf([{ ...grown, weight: 200 }, ...others])
  const moved = before.filter((owner, slot) => owner !== after[slot])
  expect(moved).not.toContain(grown.key)
  expect(moved.length / slots).toBeCloseTo(2 / 5 - 1 / 4, 1)
})

test('similar inputs spread over all slots', () => {
  const used = new Set(Array.from({ length: 1000 }, (_, index) => hashText(`user-${index}`) % 100))
  expect(used.size).toBe(100)
})
