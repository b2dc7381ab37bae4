import { expect, test } from 'vitest'
import type { Answer, Cell } from '../schema/answer.ts'
import { writeCsv } from './write-csv.ts'

const column = { title: '', type: 'string', format: 'text' } as const
const csv = (cell: Cell): string =>
  writeCsv({
    data: [{ 'd.cell': cell }],
    annotation: { dimensions: { 'd.cell': column }, measures: {}, timeDimensions: {} },
  } as unknown as Answer).slice('d.cell\r\n'.length)

test.each<[Cell, string]>([
  ['plain', 'plain'],
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  ['a\nb', '"a\nb"'],
  ['a\rb', '"a\rb"'],
  [['x', 'y'], '"x, y"'],
  [null, ''],
  [0, '0'],
  [-1.5, '-1.5'],
  [true, 'true'],
])('writes %o as %o', (cell, text) => {
  expect(csv(cell)).toBe(`${text}\r\n`)
})

test.each(['=1+1', '+1', '-1', '@x', '\tx', '\rx'])('escapes the formula %o', (text) => {
  const quoted = text.startsWith('\r') ? `"'${text}"` : `'${text}`
  expect(csv(text)).toBe(`${quoted}\r\n`)
})

test('columns are dimensions, buckets and measures; a time without a granularity is none', () => {
  const text = writeCsv({
    data: [{ 'd.a': 'x', 'd.n': 1, 'd.time': 't', 'd.time.hour': 't' }],
    annotation: {
      measures: { 'd.n': column },
      dimensions: { 'd.a': column },
      timeDimensions: { 'd.time': column, 'd.time.hour': column },
    },
  } as unknown as Answer)
  expect(text).toBe('d.a,d.time.hour,d.n\r\nx,t,1\r\n')
})
