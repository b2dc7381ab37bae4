import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fillBuckets, isolatedPoints, type Point } from './chart-series.ts'

test('every bucket of the domain appears once, in order, with its known value', () => {
  const bucket = 10_000
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e9 }),
      fc.integer({ min: 1, max: 1e6 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 2e5 }), fc.nat(99))),
      (from, span, rows) => {
        const points = rows.map(([at, value]): Point => [at * bucket, value])
        const filled = fillBuckets(points, [from, from + span], bucket, 0)
        expect(filled[0]?.[0]).toBeLessThanOrEqual(from)
        expect((filled.at(-1)?.[0] ?? 0) + bucket).toBeGreaterThanOrEqual(from + span)
        filled.forEach(([time, value], index) => {
          expect(time).toBe((filled[0]?.[0] ?? 0) + index * bucket)
          expect(value).toBe(new Map(points).get(time) ?? 0)
        })
      },
    ),
  )
})

test('a value between gaps is marked, because a line would not show it', () => {
  const values = [null, 1, null, 2, 3, null, 4]
  const points = values.map((value, time): Point => [time, value])
  expect(isolatedPoints(points)).toEqual([
    [1, 1],
    [6, 4],
  ])
})
