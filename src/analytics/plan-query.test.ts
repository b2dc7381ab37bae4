import { expect, test } from 'vitest'
import { query as querySchema, type QueryInput } from '../schema/query.ts'
import { readDataset } from './dataset.ts'
import { planQuery } from './plan-query.ts'

const dataset = readDataset(new URL('datasets/requests.yaml', import.meta.url))
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
  ['query.ungrouped', { ...count, ungrouped: true }, 'a question for rows has no measures'],
  [
    'query.order',
    { ...count, order: { 'requests.service': 'asc' } },
    'order: requests.service is not among',
  ],
  [
    'query.operator',
    filtered('requests.status', 'contains', '5'),
    'filters: contains does not work on requests.status; expected one of: equals',
  ],
  [
    'query.operator',
    filtered('requests.service', 'gt', 'a'),
    'gt does not work on requests.service',
  ],
  [
    'query.operator',
    filtered('requests.time', 'equals', 'now'),
    'equals does not work on requests.time',
  ],
  [
    'query.operator',
    filtered('requests.scopes', 'startsWith', 'a'),
    'startsWith does not work on requests.scopes',
  ],
  [
    'query.values',
    filtered('requests.service', 'equals'),
    'equals of requests.service takes at least one value, and got 0',
  ],
  [
    'query.values',
    filtered('requests.service', 'set', 'x'),
    'set of requests.service takes no values, and got 1',
  ],
  [
    'query.values',
    filtered('requests.status', 'gt', '1', '2'),
    'gt of requests.status takes one value, and got 2',
  ],
  [
    'query.number',
    filtered('requests.status', 'equals', 'x'),
    `requests.status is a number, 'x' is not`,
  ],
  [
    'query.number',
    filtered('requests.status', 'equals', ' '),
    `requests.status is a number, ' ' is not`,
  ],
  [
    'query.number',
    filtered('requests.count', 'gt', 'Infinity'),
    `requests.count is a number, 'Infinity' is not`,
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
    'dimensions and measures cannot share one and / or',
  ],
])('%s: %o', (code, input, message) => {
  expect(() => plan(input)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) as string }),
  )
})

const time = { dimension: 'requests.time', granularity: 'minute' } as const

test.each<[string, QueryInput, unknown]>([
  ['time first', { ...count, timeDimensions: [time] }, [['requests.time', 'asc']]],
  [
    'else the largest',
    { ...count, dimensions: ['requests.service'] },
    [['requests.count', 'desc']],
  ],
  ['else by name', { dimensions: ['requests.service'] }, []],
  ['or as asked', { ...count, order: { 'requests.count': 'asc' } }, [['requests.count', 'asc']]],
])('the order is %s', (_, input, order) => {
  expect(plan(input).query.order).toEqual(order)
})

test('a range that slides begins with a whole bucket, and the answer says so', () => {
  const input = { ...count, timeDimensions: [{ ...time, dateRange: 'last 15 minutes' }] }
  expect(plan(input).query.timeDimensions[0]?.dateRange).toEqual([
    '2026-03-12T10:15:00.000Z',
    '2026-03-12T10:30:15.500Z',
  ])
})

test('a question moves when words in it do', () => {
  const range = (dateRange: string) => ({
    ...count,
    timeDimensions: [{ dimension: 'requests.time', dateRange }],
  })
  expect(plan(range('last 15 minutes')).moves).toBe(true)
  expect(plan(range('2026-01-01')).moves).toBe(false)
  expect(plan(filtered('requests.time', 'afterDate', '2 hours ago')).moves).toBe(true)
  expect(plan(filtered('requests.time', 'afterDate', '2026-01-01')).moves).toBe(false)
})
