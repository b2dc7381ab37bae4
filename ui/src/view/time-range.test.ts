import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bucketOf,
  dateRangeOf,
  domainOf,
  formatTimeRange,
  parseTimeRange,
  presets,
  previousDateRangeOf,
  type TimeRange,
} from './time-range.ts'

const between: fc.Arbitrary<TimeRange> = fc
  .tuple(fc.integer({ min: 1e12, max: 2e12 }), fc.integer({ min: 1000, max: 90 * 86_400_000 }))
  .map(([from, span]) => ({ kind: 'between', from, to: from + span }))
const anyRange = fc.oneof(
  between,
  fc.constantFrom(...presets).map((preset): TimeRange => ({ kind: 'last', preset })),
)

test('a range survives the address', () => {
  fc.assert(
    fc.property(anyRange, (range) => {
      expect(parseTimeRange(formatTimeRange(range))).toEqual(range)
    }),
  )
})

test('the previous range is as long and ends where the range begins', () => {
  fc.assert(
    fc.property(between, (range) => {
      const [from, to] = dateRangeOf(range) as [string, string]
      const [before, until] = previousDateRangeOf(range) as [string, string]
      expect(until).toBe(from)
      expect(Date.parse(until) - Date.parse(before)).toBe(Date.parse(to) - Date.parse(from))
    }),
  )
})

test('a range is drawn in a readable number of buckets', () => {
  fc.assert(
    fc.property(anyRange, (range) => {
      const [from, to] = domainOf(range, Date.now())
      expect((to - from) / bucketOf(range).milliseconds).toBeLessThanOrEqual(200)
    }),
  )
})

test.each(['', '3 weeks', '2026~', '2026-02-01~2026-01-01', 'x~y'])('%j is no range', (text) => {
  expect(parseTimeRange(text)).toBeUndefined()
})
