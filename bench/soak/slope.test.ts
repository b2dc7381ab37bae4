import fc from 'fast-check'
import { expect, test } from 'vitest'
import { growthPerMinute } from './slope.ts'

test('returns the slope of a straight line regardless of its offset', () => {
  const number = fc.integer({ min: -1000, max: 1000 })
  fc.assert(
    fc.property(number, number, fc.integer({ min: 4, max: 60 }), (start, slope, count) => {
      const samples = Array.from({ length: count }, (_, minute) => ({
        minute,
        workers: start + slope * minute,
        program: 0,
      }))
      expect(growthPerMinute(samples, 'workers')).toBeCloseTo(slope, 6)
      expect(growthPerMinute(samples, 'program')).toBe(0)
    }),
  )
})
