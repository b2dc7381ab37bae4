import { expect, test } from 'vitest'
import { query as querySchema, type QueryInput } from '../schema/query.ts'
import { builtInTables } from '../warehouse/tables.ts'
import { readDataset } from './datasets/read-datasets.ts'
import { fillGaps, type Cells } from './fill-gaps.ts'
import { planQuery } from './plan-query.ts'

const dataset = readDataset(new URL('datasets/requests.yaml', import.meta.url), builtInTables)
const now = Date.parse('2026-03-12T03:30:00Z')
const at = (hour: number): number => Date.parse('2026-03-12T00:00Z') + hour * 3_600_000
const byHour = { dimension: 'requests.time', granularity: 'hour', dateRange: 'today' } as const
const count: QueryInput = { measures: ['requests.count'], timeDimensions: [byHour] }

const fill = (query: QueryInput, rows: readonly Cells[], isCut = false) =>
  fillGaps(planQuery(dataset, querySchema.parse(query), now), rows, isCut)

test('adds a row for each empty bucket up to now', () => {
  expect(fill(count, [[at(1), 5]]).rows).toEqual([
    [at(0), 0],
    [at(1), 5],
    [at(2), 0],
    [at(3), 0],
  ])
  expect(fill(count, []).rows).toHaveLength(4)
})

test('adds rows in each group, with null for measures without an empty value', () => {
  const query: QueryInput = {
    ...count,
    measures: ['requests.error_rate'],
    dimensions: ['requests.method'],
  }
  const { rows } = fill(query, [
    ['GET', at(0), 0.5],
    ['PUT', at(3), 1],
  ])
  expect(rows).toHaveLength(8)
  expect(rows.slice(0, 2)).toEqual([
    ['GET', at(0), 0.5],
    ['PUT', at(0), null],
  ])
  expect(fill(query, []).rows).toEqual([])
})

test('keeps rows after now and the requested order, null last', () => {
  const descending: QueryInput = { ...count, order: { 'requests.count': 'desc' } }
  expect(
    fill(descending, [
      [at(1), 5],
      [at(20), 7],
    ]).rows.map(([, cell]) => cell),
  ).toEqual([7, 5, 0, 0, 0])
  const rate: QueryInput = {
    ...count,
    measures: ['requests.error_rate'],
    order: { 'requests.error_rate': 'asc' },
  }
  expect(
    fill(rate, [
      [at(2), 0.5],
      [at(1), 0.1],
    ]).rows.map(([, cell]) => cell),
  ).toEqual([0.1, 0.5, null, null])
})

test.each<[string, QueryInput, boolean]>([
  ['a truncated answer', count, true],
  ['an answer with an offset', { ...count, offset: 1 }, false],
])('says that it adds no rows to %s', (_, query, isCut) => {
  const rows = [[at(1), 5]]
  expect(fill(query, rows, isCut)).toEqual({ rows, notice: 'Empty intervals are omitted.' })
})

test('reports that it adds no rows when there would be too many', () => {
  const time = { ...byHour, granularity: 'second' } as const
  const query: QueryInput = {
    ...count,
    dimensions: ['requests.method'],
    timeDimensions: [{ ...time, dateRange: ['2026-03-12T00:00', '2026-03-12T02:00'] }],
  }
  const rows = (groups: number): readonly Cells[] =>
    Array.from({ length: groups }, (__, group) => [`m${group}`, at(0), 1])
  expect(fill(query, rows(6)).rows).toHaveLength(6 * 7200)
  expect(fill(query, rows(7))).toEqual({
    rows: rows(7),
    notice: 'Empty intervals are omitted because there are too many.',
  })
})

test.each<[string, QueryInput]>([
  [
    'a filter on groups',
    { ...count, filters: [{ member: 'requests.count', operator: 'gt', values: ['1'] }] },
  ],
  ['no measure', { dimensions: ['requests.method'], timeDimensions: [byHour] }],
  [
    'no date range',
    { ...count, timeDimensions: [{ dimension: 'requests.time', granularity: 'hour' }] },
  ],
  [
    'ungrouped rows',
    { dimensions: ['requests.method'], timeDimensions: [byHour], ungrouped: true },
  ],
  ['the time itself as a dimension', { ...count, dimensions: ['requests.time'] }],
])('adds no rows with %s', (_, query) => {
  expect(fill(query, [])).toEqual({ rows: [] })
})

test('fills groups of several dimensions in the order of bytes, with up to 50,000 rows', () => {
  const query: QueryInput = {
    measures: ['requests.count'],
    dimensions: ['requests.method', 'requests.status'],
    timeDimensions: [{ ...byHour, dateRange: ['2026-03-12T00:00', '2026-03-12T02:00'] }],
    order: [
      ['requests.method', 'desc'],
      ['requests.time', 'asc'],
    ],
  }
  const rows: Cells[] = [
    ['Z', 200, at(0), 1],
    ['é', 200, at(1), 2],
    ['Z', 99, at(1), 3],
    [null, 200, at(0), 4],
  ]
  expect(fill(query, rows).rows).toEqual([
    ['é', 200, at(0), 0],
    ['é', 200, at(1), 2],
    ['Z', 99, at(0), 0],
    ['Z', 200, at(0), 1],
    ['Z', 99, at(1), 3],
    ['Z', 200, at(1), 0],
    [null, 200, at(0), 4],
    [null, 200, at(1), 0],
  ])
  const dateRange: [string, string] = ['2026-03-12T00:00', '2026-03-12T00:00:10']
  const seconds: QueryInput = {
    ...count,
    dimensions: ['requests.method'],
    timeDimensions: [{ dimension: 'requests.time', granularity: 'second', dateRange }],
  }
  const groups = (length: number): readonly Cells[] =>
    Array.from({ length }, (_, group) => [`m${group}`, at(0), 1])
  expect(fill(seconds, groups(5_000)).rows).toHaveLength(50_000)
  expect(fill(seconds, groups(5_001)).rows).toHaveLength(5_001)
})

test('orders lists like the engine, and does not fill without buckets', () => {
  const query: QueryInput = {
    ...count,
    dimensions: ['requests.scopes'],
    timeDimensions: [{ ...byHour, dateRange: ['2026-03-12T00:00', '2026-03-12T01:00'] }],
    order: { 'requests.scopes': 'asc' },
  }
  const rows: Cells[] = [
    [['b'], at(0), 1],
    [['a', 'c'], at(0), 2],
  ]
  expect(fill(query, rows).rows.map(([scopes]) => scopes)).toEqual([['a', 'c'], ['b']])
  expect(fill({ ...count, timeDimensions: [] }, [[3]])).toEqual({ rows: [[3]] })
})

test('a bucket that begins now is not over and gets no row', () => {
  const exact = Date.parse('2026-03-12T03:00:00Z')
  const { rows } = fillGaps(planQuery(dataset, querySchema.parse(count), exact), [], false)
  expect(rows.map(([start]) => start)).toEqual([at(0), at(1), at(2)])
})
