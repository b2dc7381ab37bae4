import { expect, test } from 'vitest'
import { query as querySchema, type QueryInput } from '../schema/query.ts'
import { builtInTables } from '../warehouse/tables.ts'
import { readDataset } from './datasets/read-datasets.ts'
import { planQuery } from './plan-query.ts'

const dataset = readDataset(new URL('datasets/requests.yaml', import.meta.url), builtInTables)
const now = Date.parse('2026-03-12T10:30:15.500Z')
const plan = (input: QueryInput) => planQuery(dataset, querySchema.parse(input), now)

const count = { measures: ['requests.count'] }
const filtered = (member: string, operator: string, ...values: string[]) =>
  ({ ...count, filters: [{ member, operator, values }] }) as QueryInput

test.each<[string, QueryInput, string]>([
  ['query.empty', {}, 'expected a measure, a dimension, or a time dimension with a granularity'],
  [
    'query.member',
    { measures: ['requests.cuont'] },
    'requests.cuont is not a measure of requests; did you mean requests.count?',
  ],
  [
    'query.member',
    { measures: ['requests.status'] },
    'requests.status is not a measure of requests',
  ],
  [
    'query.member',
    { dimensions: ['requests.servise'] },
    'requests.servise is not a dimension of requests; did you mean requests.service?',
  ],
  [
    'query.member',
    { dimensions: ['elsewhere.service'] },
    'elsewhere.service is not a dimension of requests',
  ],
  [
    'query.member',
    { ...count, segments: ['requests.error'] },
    'requests.error is not a segment of requests; did you mean requests.errors?',
  ],
  [
    'query.member',
    filtered('requests.errors', 'set'),
    'requests.errors is not a dimension or measure of requests',
  ],
  [
    'query.time',
    { ...count, timeDimensions: [{ dimension: 'requests.status' }] },
    'requests.status is not a time',
  ],
  [
    'query.ungrouped',
    { ...count, ungrouped: true },
    'measures are not allowed in ungrouped queries',
  ],
  [
    'query.order',
    { ...count, order: { 'requests.service': 'asc' } },
    'order: requests.service is not among',
  ],
  [
    'query.operator',
    filtered('requests.status', 'contains', '5'),
    'filters: requests.status does not support contains; expected one of: equals',
  ],
  [
    'query.operator',
    filtered('requests.service', 'gt', 'a'),
    'requests.service does not support gt',
  ],
  [
    'query.operator',
    filtered('requests.time', 'equals', 'now'),
    'requests.time does not support equals',
  ],
  [
    'query.operator',
    filtered('requests.scopes', 'startsWith', 'a'),
    'requests.scopes does not support startsWith',
  ],
  [
    'query.values',
    filtered('requests.service', 'equals'),
    'equals on requests.service takes at least one value, got 0',
  ],
  [
    'query.values',
    filtered('requests.service', 'set', 'x'),
    'set on requests.service takes no values, got 1',
  ],
  [
    'query.values',
    filtered('requests.status', 'gt', '1', '2'),
    'gt on requests.status takes one value, got 2',
  ],
  [
    'query.number',
    filtered('requests.status', 'equals', 'x'),
    `requests.status is a number, got 'x'`,
  ],
  [
    'query.number',
    filtered('requests.status', 'equals', ' '),
    `requests.status is a number, got ' '`,
  ],
  [
    'query.number',
    filtered('requests.count', 'gt', 'Infinity'),
    `requests.count is a number, got 'Infinity'`,
  ],
  [
    'query.date',
    filtered('requests.time', 'inDateRange', 'whenever'),
    `'whenever' is not a date range`,
  ],
  ['query.timezone', { ...count, timezone: 'Mars' }, `'Mars' is not an IANA time zone`],
  [
    'query.mixed',
    {
      ...count,
      filters: [
        {
          or: [
            { member: 'requests.status', operator: 'gt', values: ['1'] },
            { member: 'requests.count', operator: 'gt', values: ['1'] },
          ],
        },
      ],
    },
    'dimensions and measures cannot be combined in one and / or group',
  ],
])('%s: %o', (code, input, message) => {
  expect(() => plan(input)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) as string }),
  )
})

const time = { dimension: 'requests.time', granularity: 'minute' } as const

test.each<[string, QueryInput, unknown]>([
  ['by time first', { ...count, timeDimensions: [time] }, [['requests.time', 'asc']]],
  [
    'else by the first measure',
    { ...count, dimensions: ['requests.service'] },
    [['requests.count', 'desc']],
  ],
  ['else by name', { dimensions: ['requests.service'] }, []],
  ['as requested', { ...count, order: { 'requests.count': 'asc' } }, [['requests.count', 'asc']]],
])('orders %s', (_, input, order) => {
  expect(plan(input).query.order).toEqual(order)
})

test('a sliding range starts with a whole bucket, which the query of the answer shows', () => {
  const input = { ...count, timeDimensions: [{ ...time, dateRange: 'last 15 minutes' }] }
  expect(plan(input).query.timeDimensions[0]?.dateRange).toEqual([
    '2026-03-12T10:15:00.000Z',
    '2026-03-12T10:30:15.500Z',
  ])
})

test('a plan is relative when a date in it is', () => {
  const range = (dateRange: string) => ({
    ...count,
    timeDimensions: [{ dimension: 'requests.time', dateRange }],
  })
  expect(plan(range('last 15 minutes')).isRelative).toBe(true)
  expect(plan(range('2026-01-01')).isRelative).toBe(false)
  expect(plan(filtered('requests.time', 'afterDate', '2 hours ago')).isRelative).toBe(true)
  expect(plan(filtered('requests.time', 'afterDate', '2026-01-01')).isRelative).toBe(false)
})
