import { expect, test } from 'vitest'
import {
  formatBytes,
  formatCell,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
} from './format.ts'

test.each([
  [0, '0 ms'],
  [0.431, '431 µs'],
  [12.345, '12.3 ms'],
  [999, '999 ms'],
  [1234, '1.23 s'],
  [180_000, '3 min'],
])('formats %d milliseconds as %s', (value, words) => expect(formatDuration(value)).toBe(words))

test.each([
  [0, '0%'],
  [0.00001, '<0.01%'],
  [0.0123, '1.23%'],
  [0.5, '50.0%'],
  [1, '100.0%'],
])('formats the share %d as %s', (value, words) => expect(formatPercent(value)).toBe(words))

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1530, '1.53 kB'],
  [5e15, '5,000 TB'],
])('formats %d bytes as %s', (value, words) => expect(formatBytes(value)).toBe(words))

test('formats counts exactly up to 9,999', () => {
  expect([9999, 10_000, 1_234_567].map(formatCount)).toEqual(['9,999', '10K', '1.23M'])
  expect(formatRate(24.56)).toBe('24.6')
})

test('formats a masked, absent or empty cell as a dash', () => {
  expect([null, undefined, '', []].map((cell) => formatCell(cell, 'text'))).toEqual(
    Array(4).fill('–'),
  )
  expect(formatCell(['a', 'b'], 'text')).toBe('a, b')
})
