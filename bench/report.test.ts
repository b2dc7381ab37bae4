import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quantile, renderJson, renderTable } from './report.ts'

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
