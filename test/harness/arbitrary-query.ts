import fc from 'fast-check'
import type { Event } from '../../src/schema/event.ts'
import type { Filter, Operator, QueryInput } from '../../src/schema/query.ts'
import { arbitraryRow, consumers } from './arbitrary-rights.ts'
import { buildEvent } from './build-event.ts'

/** The time of the queries; generated events are from the day before. */
export const queriedAt = Date.parse('2026-03-29T12:00:00.000Z')

const texts = ['ann', 'Bob', `o'neil`, 'Größe', '\\n', '{p0:String}', '%_', 'a,b'] as const
const text = fc.constantFrom('', ...texts)
const list = fc.subarray(['gold', 'Beta', `it's`], {})

/** Events of the configuration for which rights are generated. */
export const arbitraryEvent: fc.Arbitrary<Event> = fc
  .tuple(
    arbitraryRow,
    fc.record({
      request_id: fc.uuid({ version: 7 }),
      consumer: fc.constantFrom('', 'gone', ...consumers.map(({ id }) => id)),
      consumer_name: text,
      consumer_groups: list,
      subject: text,
      scopes: list,
      client_address: fc.constantFrom('10.0.0.1', '10.0.0.2', '::1'),
      principal_kind: fc.constantFrom('anonymous', 'consumer', ''),
      outcome: fc.constantFrom('allowed', 'denied', 'failed'),
      method: fc.constantFrom('GET', 'POST'),
      path: text.map((name) => `/${name}`),
      status: fc.constantFrom(200, 204, 404, 500, 503),
      tries: fc.constantFrom(0, 1, 2),
      duration_us: fc.integer({ min: 0, max: 3_000_000 }),
      upstream_us: fc.integer({ min: 0, max: 1_000_000 }),
      gateway_us: fc.integer({ min: 0, max: 10_000 }),
      response_bytes: fc.constantFrom(0, 1, 1_000_000, 5_000_000_000_000),
    }),
    fc.integer({ min: 1, max: 86_400_000_000 }),
  )
  .map(([row, rest, ago]) =>
    buildEvent({ ...row, ...rest, time: ((queriedAt * 1000 - ago) / 1_000_000).toFixed(6) }),
  )

const member = (name: string): string => `requests.${name}`
const textMembers = [
  'workspace',
  'service',
  'service_id',
  'route',
  'outcome',
  'method',
  'path',
  'consumer',
  'subject',
  'client_address',
  'status_class',
]
const listMembers = ['consumer_groups', 'scopes']
const numberMembers = ['status', 'tries', 'duration', 'response_bytes']

const condition = (
  members: readonly string[],
  operators: readonly Operator[],
  values: fc.Arbitrary<string[] | undefined>,
): fc.Arbitrary<Filter> =>
  fc.record({
    member: fc.constantFrom(...members.map(member)),
    operator: fc.constantFrom(...operators),
    values,
  }) as fc.Arbitrary<Filter>

const words = fc.array(
  fc.constantFrom(
    ...texts,
    'A',
    'orders',
    'list',
    'allowed',
    'GET',
    '10.0',
    '/',
    'gold',
    'B',
    'beta',
    '',
  ),
  { minLength: 1, maxLength: 3 },
)
const numbers = fc.constantFrom('0', '1', '200', '404', '500', '1000.5', '-1', '5e12')
const nothing = fc.constant(undefined)
const instants = fc.constantFrom(
  '2026-03-29',
  '2026-03-28',
  '2026-03-29T03:00',
  '2026-03-28T23:30:00.500Z',
  '6 hours ago',
)

/** One condition on rows, of any kind. */
export const arbitraryCondition: fc.Arbitrary<Filter> = fc.oneof(
  condition(
    textMembers,
    [
      'equals',
      'notEquals',
      'contains',
      'notContains',
      'startsWith',
      'notStartsWith',
      'endsWith',
      'notEndsWith',
    ],
    words,
  ),
  condition(listMembers, ['equals', 'notEquals', 'contains', 'notContains'], words),
  condition([...textMembers, ...listMembers, ...numberMembers], ['set', 'notSet'], nothing),
  condition(
    numberMembers,
    ['equals', 'notEquals'],
    fc.array(numbers, { minLength: 1, maxLength: 3 }),
  ),
  condition(
    numberMembers,
    ['gt', 'gte', 'lt', 'lte'],
    numbers.map((one) => [one]),
  ),
  condition(
    ['time'],
    ['beforeDate', 'beforeOrOnDate', 'afterDate', 'afterOrOnDate'],
    instants.map((one) => [one]),
  ),
  condition(
    ['time'],
    ['inDateRange', 'notInDateRange'],
    fc.constantFrom(
      ['today'],
      ['last 3 hours'],
      ['2026-03-28', '2026-03-28'],
      ['2026-03-28T20:00', '2026-03-29T03:30'],
    ),
  ),
)

const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    arbitraryCondition,
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((and): Filter => ({ and })),
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((or): Filter => ({ or })),
  ),
}))
/** Conditions on rows, joined by and / or. */
export const arbitraryFilter: fc.Arbitrary<Filter> = filter

const dimensions = fc.subarray([...textMembers, ...listMembers, ...numberMembers].map(member), {
  maxLength: 3,
})
const measures = fc.subarray(
  [
    'count',
    'error_rate',
    'denied_count',
    'duration_p50',
    'duration_p99',
    'duration_max',
    'duration_avg',
    'upstream_p95',
    'response_bytes_sum',
    'per_second',
    'consumers',
    'clients',
    'last_seen',
  ].map(member),
  { maxLength: 3 },
)
const having = fc.constantFrom<Filter>(
  { member: 'requests.count', operator: 'gt', values: ['1'] },
  {
    or: [
      { member: 'requests.error_rate', operator: 'lt', values: ['0.5'] },
      { member: 'requests.clients', operator: 'equals', values: ['1'] },
    ],
  },
)
const time = fc.record(
  {
    dimension: fc.constant('requests.time'),
    granularity: fc.constantFrom(
      'fifteen_minutes' as const,
      'hour' as const,
      'day' as const,
      'week' as const,
    ),
    dateRange: fc.constantFrom<string | [string, string]>('today', 'last 6 hours', 'yesterday', [
      '2026-03-28',
      '2026-03-29',
    ]),
  },
  { requiredKeys: ['dimension'] },
)
const timezone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/New_York')
const filters = fc.array(filter, { maxLength: 2 })
const segments = fc.subarray(['errors', 'denied', 'slow', 'anonymous'].map(member), {
  maxLength: 1,
})

const grouped: fc.Arbitrary<QueryInput> = fc.record({
  measures,
  dimensions,
  timeDimensions: fc.array(time, { maxLength: 1 }),
  filters: fc.tuple(filters, fc.array(having, { maxLength: 1 })).map((both) => both.flat()),
  segments,
  timezone,
})
const ungrouped: fc.Arbitrary<QueryInput> = fc.record({
  dimensions,
  timeDimensions: fc.array(time, { maxLength: 1 }),
  filters,
  segments,
  timezone,
  ungrouped: fc.constant(true),
})

/** A valid query of the dataset requests. */
export const arbitraryQuery: fc.Arbitrary<QueryInput> = fc
  .tuple(
    fc.oneof(grouped, grouped, ungrouped),
    fc.option(fc.tuple(fc.nat(10), fc.constantFrom('asc' as const, 'desc' as const))),
    fc.constantFrom(undefined, 3, 50),
    fc.constantFrom(undefined, 1),
  )
  .map(([query, order, limit, offset]) => {
    const columns = [...(query.dimensions ?? []), ...(query.measures ?? [])]
    const by = order === null ? undefined : columns[order[0] % Math.max(1, columns.length)]
    return {
      ...query,
      ...(columns.length === 0 && query.timeDimensions?.[0]?.granularity === undefined
        ? { dimensions: ['requests.method'] }
        : {}),
      ...(by === undefined || order === null ? {} : { order: { [by]: order[1] } }),
      ...(limit === undefined ? {} : { limit }),
      ...(offset === undefined ? {} : { offset }),
    }
  })
