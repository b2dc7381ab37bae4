import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openBackoff } from './backoff.ts'

test('doubles from the first delay up to the maximum, and starts again after a reset', () => {
  const backoff = openBackoff(100, 1_000, () => 0)
  expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ])
  backoff.reset()
  expect(backoff.next()).toBe(100)
})

test('takes off at most half of a delay as jitter', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
      const delay = openBackoff(100, 1_000, () => random).next()
      expect(delay).toBeGreaterThanOrEqual(50)
      expect(delay).toBeLessThanOrEqual(100)
    }),
  )
})
