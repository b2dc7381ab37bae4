import fc from 'fast-check'
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

/** The Levenshtein distance by its definition. */
function editDistance(one: string, other: string): number {
  const known = new Map<string, number>()
  const between = (i: number, j: number): number => {
    if (i === 0 || j === 0) return i + j
    const key = `${i} ${j}`
    const found =
      known.get(key) ??
      Math.min(
        between(i - 1, j) + 1,
        between(i, j - 1) + 1,
        between(i - 1, j - 1) + Number(one[i - 1] !== other[j - 1]),
      )
    known.set(key, found)
    return found
  }
  return between(one.length, other.length)
}

test('suggests the member of the expected kind with the smallest edit distance, or none that is far', () => {
  const measures = [...dataset.members.values()].filter(({ kind }) => kind === 'measure')
  const names = measures.map(({ name }) => name)
  const edit = fc.record({
    at: fc.nat(30),
    removed: fc.nat(2),
    inserted: fc.constantFrom('', 'e', 'rs', '9', '_p'),
  })
  const edited = fc
    .tuple(fc.constantFrom(...names), fc.array(edit, { minLength: 1, maxLength: 6 }))
    .map(([name, edits]) =>
      edits.reduce(
        (text, { at, removed, inserted }) =>
          text.slice(0, at) + inserted + text.slice(at + removed),
        name,
      ),
    )
  const isMember = (name: string): boolean => /^[a-z]\w*\.\w+$/.test(name)
  const wrong = fc.oneof(edited, fc.constantFrom('a.b', 'requests.x', 'zzzzzzzz.zzzzzzzz'))
  fc.assert(
    fc.property(
      wrong.filter((name) => isMember(name) && !names.includes(name)),
      (name) => {
        const [near] = names
          .map((one) => ({ one, distance: editDistance(name, one) }))
          .toSorted((a, b) => a.distance - b.distance)
        const isNear = near !== undefined && near.distance <= name.length / 2
        const hint = isNear ? `; did you mean ${near.one}?` : ''
        expect(() => plan({ measures: [name] })).toThrow(
          expect.objectContaining({
            message: `${name} is not a measure of requests${hint}`,
          }),
        )
      },
    ),
    { numRuns: 60 },
  )
})

test('allows 500 conditions, in groups too', () => {
  const conditions = (length: number) =>
    Array.from({ length }, () => ({
      member: 'requests.status',
      operator: 'gt' as const,
      values: ['1'],
    }))
  const groups = Array.from({ length: 5 }, () => ({ or: conditions(100) }))
  expect(plan({ ...count, filters: groups }).where).toHaveLength(5)
  expect(() => plan({ ...count, filters: [...groups, ...conditions(1)] })).toThrow(
    expect.objectContaining({
      code: 'query.filters',
      status: 422,
      message: 'filters: at most 500 conditions are allowed, got 501',
    }),
  )
})

test('conditions on measures select groups, those on dimensions rows', () => {
  const { where, having } = plan({
    ...count,
    filters: [
      { member: 'requests.status', operator: 'gt', values: ['1'] },
      { and: [{ member: 'requests.count', operator: 'gt', values: ['2'] }] },
    ],
  })
  expect(where).toMatchObject([{ member: { name: 'requests.status' }, values: [1] }])
  expect(having).toMatchObject([{ and: [{ member: { name: 'requests.count' }, values: [2] }] }])
})

test('lists at most 10,000 buckets', () => {
  const seconds = (to: string): QueryInput => ({
    ...count,
    timeDimensions: [
      {
        dimension: 'requests.time',
        granularity: 'second',
        dateRange: ['2026-03-12T00:00:00Z', `2026-03-12T${to}Z`],
      },
    ],
  })
  expect(plan(seconds('02:46:40')).starts).toHaveLength(10_000)
  expect(plan(seconds('02:46:41')).starts).toBe(undefined)
  expect(plan(count).starts).toBe(undefined)
  expect(plan({ ...count, timeDimensions: [time] }).starts).toBe(undefined)
})

test('only a sliding range of buckets starts earlier than requested', () => {
  const rangeOf = (given: object) => {
    const timeDimensions = [{ dimension: 'requests.time', ...given }]
    return plan({ ...count, timeDimensions } as QueryInput).range?.from
  }
  const exact = now - 15 * 60_000
  expect(rangeOf({ dateRange: 'last 15 minutes' })).toBe(exact)
  expect(rangeOf({ dateRange: 'last 15 minutes', granularity: 'hour' })).toBe(
    Date.parse('2026-03-12T10:00Z'),
  )
  const fixed = ['2026-03-12T10:15:15.500Z', '2026-03-12T11:00Z']
  expect(rangeOf({ dateRange: fixed, granularity: 'hour' })).toBe(exact)
})

test('the query of an answer has the limit and the offset that apply', () => {
  const applied = ({ limit, offset, query }: ReturnType<typeof plan>) => [
    [limit, offset],
    [query.limit, query.offset],
  ]
  expect(applied(plan(count))).toEqual([
    [10_000, 0],
    [10_000, 0],
  ])
  expect(applied(plan({ ...count, limit: 5, offset: 7 }))).toEqual([
    [5, 7],
    [5, 7],
  ])
})

test('dimensions break ties of the order, each member is one column', () => {
  const { columns, order } = plan({
    measures: ['requests.count', 'requests.error_rate', 'requests.count'],
    dimensions: ['requests.service', 'requests.route', 'requests.service'],
    timeDimensions: [time],
    order: [
      ['requests.error_rate', 'desc'],
      ['requests.route', 'desc'],
    ],
  })
  expect(columns.map(({ member }) => member.name)).toEqual([
    'requests.service',
    'requests.route',
    'requests.time',
    'requests.count',
    'requests.error_rate',
  ])
  expect(order).toEqual([
    { column: 4, direction: 'desc', isRequested: true },
    { column: 1, direction: 'desc', isRequested: true },
    { column: 0, direction: 'asc', isRequested: false },
    { column: 2, direction: 'asc', isRequested: false },
  ])
})

test('a name that is a bucket and a dimension orders by the bucket', () => {
  const both: QueryInput = {
    ...count,
    dimensions: ['requests.time'],
    timeDimensions: [time],
    order: { 'requests.time': 'desc' },
  }
  expect(plan(both).order[0]).toEqual({ column: 1, direction: 'desc', isRequested: true })
})

test('rows without groups have no measures, but may have dimensions', () => {
  const { columns, ungrouped } = plan({ dimensions: ['requests.status'], ungrouped: true })
  expect([columns.length, ungrouped]).toEqual([1, true])
})

test.each(['equals', 'set'] as const)(
  'a plan with the condition %s is not relative',
  (operator) => {
    const values = operator === 'set' ? [] : ['x']
    expect(plan(filtered('requests.service', operator, ...values)).isRelative).toBe(false)
  },
)

test('a condition on time has the range or the instant in milliseconds', () => {
  const day = [Date.parse('2026-03-12'), Date.parse('2026-03-13')]
  const at = (operator: string, ...values: string[]) =>
    plan(filtered('requests.time', operator, ...values)).where
  for (const operator of ['inDateRange', 'notInDateRange'])
    expect(at(operator, 'today')).toMatchObject([{ operator, values: day, isRelative: true }])
  expect(at('inDateRange', '2026-03-12', '2026-03-13')).toMatchObject([
    { values: [day[0], Date.parse('2026-03-14')], isRelative: false },
  ])
  expect(at('afterDate', '2026-03-12')).toMatchObject([{ values: day, isRelative: false }])
  expect(at('beforeDate', 'now')).toMatchObject([{ values: [now, now], isRelative: true }])
  expect(() => at('inDateRange', '2026-03-12', '2026-03-13', '2026-03-14')).toThrow(
    expect.objectContaining({ code: 'query.values', status: 422 }),
  )
  expect(() => at('beforeDate', '2026-03-12', '2026-03-13')).toThrow(/takes one value, got 2/)
})
