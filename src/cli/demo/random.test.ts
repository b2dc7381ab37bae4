import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom } from './random.ts'

test('returns the same numbers in [0, 1) for the same seed', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [one, other] = [createRandom(seed), createRandom(seed)]
      for (let count = 0; count < 50; count++) {
        const value = one.next()
        expect(value).toBe(other.next())
        expect(value >= 0 && value < 1).toBe(true)
      }
    }),
  )
})

test('returns half of the log-normal values below the median', () => {
  const random = createRandom(1)
  const below = Array.from({ length: 4000 }, () => random.logNormal(20, 0.7)).filter(
    (ms) => ms < 20,
  )
  expect(below.length).toBeGreaterThan(1850)
  expect(below.length).toBeLessThan(2150)
})

test('picks items in proportion to their weights', () => {
  const random = createRandom(2)
  const items = [{ weight: 3 }, { weight: 0 }, { weight: 1 }] as const
  const picks = Array.from({ length: 4000 }, () => items.indexOf(random.pick(items)))
  expect(picks.filter((index) => index === 1)).toEqual([])
  expect(picks.filter((index) => index === 0).length / 4000).toBeCloseTo(0.75, 1)
})
