import { expect, test } from 'vitest'
import { workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { query as querySchema, type QueryInput } from '../schema/query.ts'
import { builtInTables } from '../warehouse/tables.ts'
import { compilePlan } from './compile-plan.ts'
import { readDataset } from './datasets/read-datasets.ts'
import { buildScope } from './datasets/scope.ts'
import { governPlan } from './govern-plan.ts'
import { planQuery } from './plan-query.ts'

const dataset = readDataset(new URL('datasets/requests.yaml', import.meta.url), builtInTables)
const now = Date.parse('2026-03-12T10:30:00.000Z')
const [root, a] = workspaces

const compiled = (question: QueryInput, permissions: readonly string[], home = root) =>
  compilePlan(
    governPlan(
      planQuery(dataset, querySchema.parse(question), now),
      buildScope(buildTestRights(home as typeof root, permissions), dataset),
    ),
  )

test('an unrestricted principal reads the table without conditions', () => {
  const { sql, params } = compiled(
    { measures: ['requests.count'], dimensions: ['requests.consumer'] },
    ['+* *'],
  )
  expect(sql).toMatchInlineSnapshot(`
    "SELECT consumer_name AS c0, count() AS c1
    FROM (SELECT consumer_name, time FROM requests WHERE 1) AS requests
    GROUP BY c0
    ORDER BY c1 DESC, c0 ASC
    LIMIT {p0:UInt64} OFFSET {p1:UInt64}"
  `)
  expect(params).toMatchInlineSnapshot(`
    {
      "p0": 10001,
      "p1": 0,
    }
  `)
})

test('the row rule and the masks apply in a subquery, below every condition of the query', () => {
  const { sql, params } = compiled(
    {
      measures: ['requests.count', 'requests.per_second'],
      dimensions: ['requests.consumer'],
      timeDimensions: [
        { dimension: 'requests.time', granularity: 'minute', dateRange: 'last 15 minutes' },
      ],
      filters: [
        {
          or: [
            { member: 'requests.consumer', operator: 'contains', values: [`o'neil`] },
            { member: 'requests.status', operator: 'gte', values: ['500'] },
          ],
        },
      ],
      segments: ['requests.slow'],
    },
    ['+A *', '+B *', '-A /consumers', '-B /services/orders'],
  )
  expect(sql).toMatchInlineSnapshot(`
    "SELECT consumer_name AS c0, toUnixTimestamp(toStartOfInterval(time, INTERVAL 60 SECOND)) * 1000 AS c1, count() AS c2, count() / 60 AS c3
    FROM (SELECT if(is_known, consumer_name, '') AS consumer_name, duration_us, status, time FROM (SELECT consumer_name, duration_us, status, time, (isNotNull(consumer) AND isNotNull(workspace) AND isNotNull(workspace_name) AND (NOT ((workspace = {caller0:String} OR workspace_name = {caller1:String})) AND ((NOT (consumer = {caller2:String}) AND workspace IN {caller3:Array(String)}) OR (consumer = {caller4:String} AND NOT ((workspace = {caller5:String} OR workspace_name = {caller6:String})) AND workspace IN {caller7:Array(String)})))) AS is_known FROM requests WHERE isNotNull(service) AND isNotNull(service_name) AND isNotNull(workspace) AND isNotNull(workspace_name) AND ((NOT (service = {row0:String}) AND NOT (((workspace = {row1:String} OR workspace_name = {row2:String}) AND (service = {row3:String} OR service_name = {row4:String}))) AND workspace IN {row5:Array(String)}) OR (service = {row6:String} AND workspace IN {row7:Array(String)})))) AS requests
    WHERE time >= fromUnixTimestamp64Milli({p16:Int64}) AND time < fromUnixTimestamp64Milli({p17:Int64}) AND (duration_us > 1000000) AND (arrayExists(value -> position(lowerUTF8(consumer_name), lowerUTF8(value)) > 0, {p18:Array(String)}) OR (toFloat64(status) >= {p19:Float64}))
    GROUP BY c0, c1
    ORDER BY c1 ASC, c0 ASC
    LIMIT {p20:UInt64} OFFSET {p21:UInt64}"
  `)
  expect(params).toMatchInlineSnapshot(`
    {
      "caller0": "00000000-0000-4000-8000-000000000001",
      "caller1": "A",
      "caller2": "",
      "caller3": [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
      ],
      "caller4": "",
      "caller5": "00000000-0000-4000-8000-000000000001",
      "caller6": "A",
      "caller7": [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
      ],
      "p16": 1773310500000,
      "p17": 1773311400000,
      "p18": [
        "o'neil",
      ],
      "p19": 500,
      "p20": 10001,
      "p21": 0,
      "row0": "",
      "row1": "00000000-0000-4000-8000-000000000002",
      "row2": "B",
      "row3": "00000000-0000-4000-8000-000000000021",
      "row4": "orders",
      "row5": [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
      ],
      "row6": "",
      "row7": [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
      ],
    }
  `)
})

test('columns that are masked in every row are not read', () => {
  const { sql } = compiled(
    {
      dimensions: ['requests.time', 'requests.consumer'],
      ungrouped: true,
      order: { 'requests.time': 'desc' },
      limit: 20,
    },
    ['+A *', '-A /consumers'],
    a as unknown as typeof root,
  )
  expect(sql).toMatchInlineSnapshot(`
    "SELECT toUnixTimestamp64Milli(time) AS c0, NULL AS c1
    FROM (SELECT time FROM requests WHERE isNotNull(workspace) AND workspace = {row0:String}) AS requests
    ORDER BY time DESC
    LIMIT {p1:UInt64} OFFSET {p2:UInt64}"
  `)
})

test.each([[['requests.service']], [['requests.consumer']]])(
  'a statement over %o carries exactly the parameters that it uses',
  (dimensions) => {
    const { sql, params } = compiled({ measures: ['requests.count'], dimensions }, [
      '+A *',
      '+B *',
      '-A /consumers',
      '-B /services/orders',
    ])
    const used = [...sql.matchAll(/\{(\w+):/g)].map(([, name]) => name)
    expect(new Set(Object.keys(params ?? {}))).toEqual(new Set(used))
  },
)

const masked = [
  'requests.consumer',
  'requests.client_address',
  'requests.scopes',
  'requests.user_agent',
]
test.each(
  masked
    .flatMap((member) => [
      { dimensions: [member] },
      { measures: ['requests.count'], filters: [{ member, operator: 'set' as const }] },
      {
        dimensions: ['requests.status', member],
        ungrouped: true,
        order: { [member]: 'asc' as const },
      },
      {
        dimensions: ['requests.status'],
        ungrouped: true,
        filters: [{ or: [{ and: [{ member, operator: 'equals' as const, values: ['x'] }] }] }],
      },
    ])
    .filter(
      (question) =>
        !JSON.stringify(question).includes('scopes') || !JSON.stringify(question).includes('"asc"'),
    ),
)('a masked member cannot filter, group or order: %o', (question) => {
  expect(() => compiled(question, ['+A *', '-A /consumers'], a as unknown as typeof root)).toThrow(
    expect.objectContaining({
      code: 'query.masked',
      status: 403,
      message: expect.stringContaining(
        'Role tester of workspace A forbids create, delete, read, update at /consumers in workspace A.',
      ) as string,
    }),
  )
})

test.each(['requests.consumers', 'requests.clients'])(
  '%s cannot be counted while callers are masked',
  (measure) => {
    expect(() => compiled({ measures: [measure] }, ['+A *', '-A /consumers'])).toThrow(/is masked/)
  },
)

test('values of a query are parameters and never part of the SQL', () => {
  const evil = `x' OR 1=1; DROP TABLE requests -- {row0:String}`
  const { sql, params } = compiled(
    {
      measures: ['requests.count'],
      filters: [
        { member: 'requests.path', operator: 'equals', values: [evil] },
        { member: 'requests.path', operator: 'contains', values: [evil] },
        { member: 'requests.scopes', operator: 'equals', values: [evil] },
      ],
    },
    ['+A *'],
  )
  expect(sql).not.toContain('DROP')
  expect(JSON.stringify(params)).toContain('DROP')
})

test('every statement limits the time and memory of the engine', () => {
  const file = new URL('datasets/requests.yaml', import.meta.url)
  const requests = readDataset(file, builtInTables)
  const scope = buildScope(buildTestRights(root, ['+* *']), requests)
  const plan = planQuery(requests, querySchema.parse({ measures: ['requests.count'] }), now)
  expect(compilePlan(governPlan(plan, scope)).settings).toEqual({
    max_execution_time: 15,
    max_memory_usage: 2_000_000_000,
  })
})

test('a masked member cannot be counted in a condition on groups, nor select a segment', () => {
  const having = {
    measures: ['requests.count'],
    filters: [{ member: 'requests.clients', operator: 'gt' as const, values: ['1'] }],
  }
  expect(() => compiled(having, ['+A *', '-A /consumers'])).toThrow(/is masked/)
  const masked_ = [...dataset.members.values()].map((member) =>
    member.name === 'requests.slow' ? { ...member, identity: true } : member,
  )
  const marked = { ...dataset, members: new Map(masked_.map((member) => [member.name, member])) }
  const query = querySchema.parse({ measures: ['requests.count'], segments: ['requests.slow'] })
  const scope = buildScope(buildTestRights(a, ['+A *', '-A /consumers']), marked)
  expect(() => governPlan(planQuery(marked, query, now), scope)).toThrow(/requests.slow is masked/)
})

const perSecond = (time: object | undefined, timezone = 'UTC') =>
  compiled(
    {
      measures: ['requests.per_second'],
      timezone,
      ...(time === undefined ? {} : { timeDimensions: [{ dimension: 'requests.time', ...time }] }),
    } as QueryInput,
    ['+* *'],
  )

test.each([
  ['the elapsed part of a range', ['2026-03-12T10:00:00Z', '2026-03-12T11:00:00Z'], 1800],
  ['a range that is over', ['2026-03-12T09:00:00Z', '2026-03-12T10:00:00Z'], 3600],
  ['a range that has not begun', ['2026-03-12T11:00:00Z', '2026-03-12T12:00:00Z'], 3600],
  ['a range that begins now', ['2026-03-12T10:30:00Z', '2026-03-12T10:31:00Z'], 60],
  ['an empty range', ['2026-03-12T10:00:00Z', '2026-03-12T10:00:00Z'], 0.001],
])('a rate divides by %s', (_, dateRange, seconds) => {
  const { sql, params } = perSecond({ dateRange })
  const [, name = ''] = /count\(\) \/ \{(\w+):Float64\}/.exec(sql) ?? []
  expect(params?.[name]).toBe(seconds)
})

test('a rate without a range divides by the time between the first and the last row', () => {
  expect(perSecond(undefined).sql).toContain(
    `count() / greatest(1, dateDiff('second', min(time), max(time))) AS c0`,
  )
})

test('a rate divides by the length of its bucket', () => {
  expect(perSecond({ granularity: 'five_minutes' }).sql).toContain('count() / 300 AS c1')
  const { sql, params } = perSecond({ granularity: 'month' }, 'Europe/Berlin')
  expect(sql).toContain(
    'SELECT toUnixTimestamp(toDateTime(toStartOfInterval(time, INTERVAL 1 MONTH, {p0:String}), {p0:String})) * 1000 AS c0, count() / (toUnixTimestamp(toDateTime(intDiv(c0, 1000), {p1:String}) + INTERVAL 1 MONTH) - intDiv(c0, 1000)) AS c1',
  )
  expect([params?.['p0'], params?.['p1']]).toEqual(['Europe/Berlin', 'Europe/Berlin'])
})

test('the starts of long buckets are passed if there are not too many', () => {
  const { sql, params } = perSecond({ granularity: 'day', dateRange: ['2026-03-10', '2026-03-11'] })
  expect(sql).toContain('roundDown(toUnixTimestamp64Milli(time), {p0:Array(Int64)}) AS c0')
  expect(params?.['p0']).toEqual([Date.parse('2026-03-10'), Date.parse('2026-03-11')])
})

test('times are milliseconds, and only ungrouped rows are ordered by the finer column', () => {
  const time = { dimensions: ['requests.time'], order: { 'requests.time': 'desc' as const } }
  const grouped = compiled({ ...time, measures: ['requests.count'] }, ['+* *']).sql
  expect(grouped).toContain('SELECT toUnixTimestamp64Milli(time) AS c0, count() AS c1')
  expect(grouped).toContain('GROUP BY c0\nORDER BY c0 DESC')
  const ungrouped = compiled({ ...time, ungrouped: true }, ['+* *']).sql
  expect(ungrouped).not.toContain('GROUP BY')
  expect(ungrouped).toContain('ORDER BY time DESC')
  const buckets = {
    dimensions: ['requests.status'],
    timeDimensions: [{ dimension: 'requests.time', granularity: 'minute' as const }],
  }
  expect(compiled({ ...buckets, ungrouped: true }, ['+* *']).sql).toContain(
    'ORDER BY c1 ASC, c0 ASC',
  )
})

test('conditions on measures apply to groups, after those on rows', () => {
  const { sql, params } = compiled(
    {
      measures: ['requests.count'],
      dimensions: ['requests.method'],
      filters: [
        { member: 'requests.count', operator: 'gt', values: ['5'] },
        { member: 'requests.status', operator: 'gte', values: ['500'] },
      ],
      limit: 7,
      offset: 3,
    },
    ['+* *'],
  )
  expect(sql).toBe(`SELECT method AS c0, count() AS c1
FROM (SELECT method, status, time FROM requests WHERE 1) AS requests
WHERE (toFloat64(status) >= {p0:Float64})
GROUP BY c0
HAVING (toFloat64(count()) > {p1:Float64})
ORDER BY c1 DESC, c0 ASC
LIMIT {p2:UInt64} OFFSET {p3:UInt64}`)
  expect(params).toEqual({ p0: 500, p1: 5, p2: 8, p3: 3 })
})

test('a table that can hold several versions of a row is read with FINAL', () => {
  const audit = readDataset(new URL('datasets/audit.yaml', import.meta.url), builtInTables)
  const plan = planQuery(audit, querySchema.parse({ measures: ['audit.count'] }), now)
  const scope = buildScope(buildTestRights(root, ['+* *']), audit)
  expect(compilePlan(governPlan(plan, scope)).sql).toContain(' FROM audit FINAL WHERE ')
})

test('masked lists are empty lists, and masked texts empty texts', () => {
  const { sql } = compiled(
    { dimensions: ['requests.scopes', 'requests.consumer'], ungrouped: true },
    ['+A *', '+B *', '-A /consumers'],
  )
  expect(sql).toMatch(
    /if\(.+, consumer_name, ''\) AS consumer_name, if\(.+, scopes, \[\]\) AS scopes/,
  )
})
