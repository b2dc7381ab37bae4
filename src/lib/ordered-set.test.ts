import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orderedSet } from './ordered-set.ts'

const compare = (a: number, b: number): number => a - b
const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 3_000 }), {
  maxLength: 2_500,
  size: 'max',
})

test('contains the added and not removed items in order, and leaves earlier sets unchanged', () => {
  fc.assert(
    fc.property(
      numbers,
      fc.array(fc.tuple(numbers, numbers), { maxLength: 4 }),
      (start, changes) => {
        let set = orderedSet(start, compare)
        let model: ReadonlySet<number> = new Set(start)
        const earlier = [[set, model] as const]
        for (const [removed, added] of changes) {
          const rest = new Set([...model].filter((item) => !removed.includes(item)))
          const fresh = added.filter((item) => !rest.has(item))
          set = set.with(removed, fresh)
          model = new Set([...rest, ...fresh])
          earlier.push([set, model])
        }
        for (const [one, items] of earlier) {
          const sorted = [...items].toSorted(compare)
          expect([...one.from(() => true)]).toEqual(sorted)
          expect(one.size).toBe(items.size)
          expect(one.find((item) => item % 7 === 3)).toBe(sorted.find((item) => item % 7 === 3))
        }
      },
    ),
    { numRuns: 50 },
  )
})

test('is read from any position', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: -1, max: 3_001 }), (items, after) => {
      const found = [...orderedSet(items, compare).from((item) => item > after)]
      expect(found).toEqual(items.filter((item) => item > after).toSorted(compare))
    }),
    { numRuns: 50 },
  )
})

test('items can be added to an empty set', () => {
  const set = orderedSet<number>([], compare).with([], [2, 1])
  expect([...set.from(() => true)]).toEqual([1, 2])
  expect([...set.with([1, 2], []).from(() => true)]).toEqual([])
})
