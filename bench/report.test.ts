import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evenlySpaced, quantile, renderJson, renderTable, slopeOf, type Point } from './report.ts'

test('returns the least value with at least that share of values at or below it', () => {
  const values = fc.array(fc.integer(), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 100 }), (numbers, percent) => {
      const found = quantile(numbers, percent / 100)
      const atMost = (limit: number): number => numbers.filter((value) => value <= limit).length
      expect(atMost(found)).toBeGreaterThanOrEqual((numbers.length * percent) / 100 - 1e-9)
      expect(atMost(found - 1)).toBeLessThan((numbers.length * percent) / 100 + 1e-9)
    }),
  )
})

test('renders a line per row, with blanks for missing figures', () => {
  const rows = [
    { case: 'small', subject: 'weir', rps: 12_345, p99_ms: 1.5 },
    { case: 'small', subject: 'nginx', rps: 9 },
  ]
  const [head, first, second] = renderTable({ rows, notes: [] }).split('\n')
  expect(head).toBe('case   subject     rps  p99_ms')
  expect(first).toBe('small  weir     12,345     1.5')
  expect(second).toBe('small  nginx         9')
  expect(JSON.parse(renderJson('x', { rows, notes: ['n'] }))).toEqual({ bench: 'x', rows })
})

test('renders series after the rows, at no more than eight of their times', () => {
  const points = Array.from({ length: 15 }, (_, second): Point => [second, 100 + second])
  const series = [{ case: 'sync', subject: 'weir', figure: 'MB', points }]
  const [, , blank, line] = renderTable({
    rows: [{ case: 'a', subject: 'b' }],
    series,
    notes: [],
  }).split('\n')
  expect(blank).toBe('')
  expect(line).toBe(
    'sync, weir, MB: 100 (0 s) 102 (2 s) 104 (4 s) 106 (6 s) 108 (8 s) 110 (10 s) 112 (12 s) 114 (14 s)',
  )
  expect(JSON.parse(renderJson('x', { rows: [], series, notes: [] }))).toEqual({
    bench: 'x',
    rows: [],
    series,
  })
})

test('selects evenly, in order, with the first and the last', () => {
  const values = fc.array(fc.integer(), { maxLength: 60 })
  fc.assert(
    fc.property(values, fc.integer({ min: 2, max: 20 }), (all, count) => {
      const found = evenlySpaced([...all.entries()], count)
      expect(found).toHaveLength(Math.min(all.length, count))
      expect(found[0]?.[0]).toBe(all.length > 0 ? 0 : undefined)
      expect(found.at(-1)?.[0]).toBe(all.length > 0 ? all.length - 1 : undefined)
      const steps = found.slice(1).map(([at], index) => at - (found[index]?.[0] ?? 0))
      const longest = Math.max(0, ...steps)
      expect(steps.every((step) => step >= 1 && longest - step <= 1)).toBe(true)
    }),
  )
})

test('returns the slope of a line around which points are scattered evenly', () => {
  const number = fc.integer({ min: -1000, max: 1000 })
  fc.assert(
    fc.property(number, number, number, (slope, start, scatter) => {
      const points = [0, 1, 2, 3].map((x): Point => [
        x,
        start + slope * x + (x === 0 || x === 3 ? scatter : -scatter),
      ])
      expect(slopeOf(points)).toBeCloseTo(slope, 6)
    }),
  )
  expect(
    slopeOf([
      [2, 5],
      [2, 7],
    ]),
  ).toBe(0)
})
