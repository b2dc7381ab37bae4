import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  chooseBucket,
  toDateRange,
  toDomain,
  formatTimeRange,
  parseTimeRange,
  presets,
  previousDateRange,
  type TimeRange,
} from './time-range.ts'

const between: fc.Arbitrary<TimeRange> = fc
  .tuple(fc.integer({ min: 1e12, max: 2e12 }), fc.integer({ min: 1000, max: 90 * 86_400_000 }))
  .map(([from, span]) => ({ kind: 'between', from, to: from + span }))
const anyRange = fc.oneof(
  between,
  fc.constantFrom(...presets).map((preset): TimeRange => ({ kind: 'last', preset })),
)

test('parsing a formatted range gives it back', () => {
  fc.assert(
    fc.property(anyRange, (range) => {
      expect(parseTimeRange(formatTimeRange(range))).toEqual(range)
    }),
  )
})

test('the previous range has the same length and ends where the range starts', () => {
  fc.assert(
    fc.property(between, (range) => {
      const [from, to] = toDateRange(range) as [string, string]
      const [before, until] = previousDateRange(range) as [string, string]
      expect(until).toBe(from)
      expect(Date.parse(until) - Date.parse(before)).toBe(Date.parse(to) - Date.parse(from))
    }),
  )
})

test('a range has at most 200 buckets', () => {
  fc.assert(
    fc.property(anyRange, (range) => {
      const [from, to] = toDomain(range, Date.now())
      expect((to - from) / chooseBucket(range).milliseconds).toBeLessThanOrEqual(200)
    }),
  )
})

test.each(['', '3 weeks', '2026~', '2026-02-01~2026-01-01', 'x~y'])('%j is not a range', (text) => {
  expect(parseTimeRange(text)).toBeUndefined()
})
