import { expect, test } from 'vitest'
import { memoizeBriefly } from './memoize-by-key.ts'

test('computes a value once within the time, and drops it afterwards', async () => {
  let computed = 0
  const count = memoizeBriefly(() => (computed += 1), 1)
  const key = {}
  expect([count(key), count(key)]).toEqual([1, 1])
  await expect.poll(() => count(key)).toBe(2)
})
