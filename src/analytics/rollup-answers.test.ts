import fc from 'fast-check'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  arbitraryCondition,
  arbitraryEvent,
  arbitraryQuery,
  queriedAt,
} from '../../test/harness/arbitrary-query.ts'
import { arbitraryRights, workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { openTestWarehouse } from '../../test/harness/open-test-warehouse.ts'
import type { Rights } from '../access/rights.ts'
import { Problem } from '../lib/problem.ts'
import type { Answer } from '../schema/answer.ts'
import type { Event } from '../schema/event.ts'
import { query as querySchema, type QueryInput } from '../schema/query.ts'
import type { Rollups } from '../warehouse/open-rollups.ts'
import { openWarehouse } from '../warehouse/open-warehouse.ts'
import { builtInRollups } from '../warehouse/rollup.ts'
import { answerQuery, explainQuery } from './answer-query.ts'
import { chooseRollups } from './choose-rollups.ts'
import { builtInDatasets, readDatasets } from './datasets/read-datasets.ts'
import { buildScope } from './datasets/scope.ts'
import { governPlan } from './govern-plan.ts'
import { planQuery } from './plan-query.ts'

let now = queriedAt
let warehouse: Awaited<ReturnType<typeof openTestWarehouse>>
beforeAll(async () => {
  warehouse = await openTestWarehouse({
    clock: { now: () => now },
    rollupTiming: { grace: 0, settle: 0 },
    // The engine's own time is later than that of the test.
    rollups: builtInRollups.map((one) => ({ ...one, minRows: 1, retentionDays: 10_000 })),
  })
  await warehouse.store(shifted(fc.sample(arbitraryEvent, { numRuns: 400, seed: 11 })))
  await warehouse.rollups.refresh()
})
afterAll(() => rm(warehouse.path, { recursive: true, force: true }))

const datasets = () => readDatasets(builtInDatasets, warehouse.tables)
const everything = buildTestRights(workspaces[0], ['+* *'])

const today = Date.parse('2026-03-29') / 1000

/** The events in a few minutes of a few hours of four days, of which three are over: every unit costs a statement. */
const shifted = (events: readonly Event[]): Event[] =>
  events.map((event, at) => {
    const [hour, minute] = [[2, 9, 11][at % 3] ?? 0, [1, 3, 46][(at >> 2) % 3] ?? 0]
    const start = today - (at % 4) * 86_400 + hour * 3_600 + minute * 60
    return { ...event, time: (start + (Number(event.time) % 60)).toFixed(6) }
  })

const ask = async (rights: Rights, question: QueryInput, rollups?: Rollups) => {
  const answered = await answerQuery(
    {
      datasets: datasets(),
      scopeOf: (dataset) => buildScope(rights, dataset),
      select: (statement) => warehouse.query(statement),
      now,
      rollups,
    },
    question,
  )
  return answered.answer
}

const member = (name: string): string => `requests.${name}`
const dimensions =
  'workspace service service_id route outcome method status status_class denied_by consumer'
    .split(' ')
    .map(member)
const measures =
  `count per_second last_seen error_count error_rate denied_count denied_rate failed_count
  duration_p50 duration_p90 duration_p95 duration_p99 duration_max duration_avg upstream_p50 upstream_p95 upstream_p99
  gateway_p50 gateway_p95 gateway_p99 request_bytes_sum response_bytes_sum consumers clients`
    .split(/\s+/)
    .map(member)

/** A query that some rollup may answer. */
const likelyQuery: fc.Arbitrary<QueryInput> = fc
  .record({
    measures: fc.subarray(measures, { minLength: 1, maxLength: 4 }),
    dimensions: fc.subarray(dimensions, { maxLength: 2 }),
    timeDimensions: fc.array(
      fc.record(
        {
          dimension: fc.constant('requests.time'),
          granularity: fc.constantFrom(
            'minute' as const,
            'fifteen_minutes' as const,
            'hour' as const,
            'day' as const,
            'week' as const,
            'month' as const,
          ),
          dateRange: fc.constantFrom<string | [string, string]>(
            'today',
            'last 2 days',
            'last 30 days',
            'last 5 hours',
            ['2026-03-26', '2026-03-28'],
            ['2026-03-26T03:30', '2026-03-29T05:45'],
          ),
        },
        { requiredKeys: ['dimension'] },
      ),
      { maxLength: 1 },
    ),
    filters: fc.array(
      arbitraryCondition.filter(
        (one) => 'member' in one && [...dimensions, 'requests.time'].includes(one.member),
      ),
      { maxLength: 1 },
    ),
    segments: fc.subarray(['requests.errors', 'requests.denied', 'requests.slow'], {
      maxLength: 1,
    }),
    timezone: fc.constantFrom('UTC', 'UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
  })
  .filter(({ segments, filters }) => segments.length + filters.length < 2)

const outcomeOf = (answer: Promise<Answer>): Promise<Answer | Problem> =>
  answer.catch((error: unknown) => {
    if (error instanceof Problem) return error
    throw error
  })

/** Sums of fractions depend on their order in the last digit. */
const comparable = (answer: Answer) => ({
  ...answer,
  data: answer.data.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'number' ? Number(value.toPrecision(12)) : value,
      ]),
    ),
  ),
})

const used = new Map<string, number>()

/** Counts the rollups that would answer a question. */
function note(rights: Rights, question: QueryInput): void {
  const dataset = datasets().get('requests')
  if (dataset === undefined) return
  const plan = planQuery(dataset, querySchema.parse(question), now)
  const { rollups } = chooseRollups(
    governPlan(plan, buildScope(rights, dataset)),
    warehouse.rollups,
  )
  for (const { rollup } of rollups) used.set(rollup.name, (used.get(rollup.name) ?? 0) + 1)
}

/** The answers with and without rollups. */
async function compare(rights: Rights, question: QueryInput) {
  const rolled = await outcomeOf(ask(rights, question, warehouse.rollups))
  const rows = await outcomeOf(ask(rights, question))
  if (rolled instanceof Problem || rows instanceof Problem) return { rolled, rows }
  note(rights, question)
  return { rolled: comparable(rolled), rows: comparable(rows) }
}

const during = (dateRange: string | [string, string], granularity?: 'minute' | 'hour' | 'day') => [
  { dimension: 'requests.time', dateRange, ...(granularity === undefined ? {} : { granularity }) },
]
const days: [string, string] = ['2026-03-26', '2026-03-28']

test.each<[string, QueryInput]>([
  ['by_route_day', { measures: ['requests.duration_p99'], timeDimensions: during(days, 'day') }],
  ['by_route_hour', { measures: ['requests.error_rate'], timeDimensions: during(days, 'hour') }],
  ['by_service_minute', { measures: ['requests.count'], timeDimensions: during(days, 'minute') }],
  ['by_status_day', { dimensions: ['requests.denied_by'], timeDimensions: during(days, 'day') }],
  ['by_status_hour', { dimensions: ['requests.method'], timeDimensions: during(days, 'hour') }],
  [
    'by_status_minute',
    {
      measures: ['requests.count'],
      dimensions: ['requests.status_class'],
      timeDimensions: during(days, 'minute'),
    },
  ],
  ['by_consumer_day', { measures: ['requests.consumers'], timeDimensions: during(days) }],
])('requests_%s answers what it holds', async (name, question) => {
  used.clear()
  const { rolled: rolled1, rows: rows1 } = await compare(everything, question)
  expect(rolled1).toEqual(rows1)
  expect([...used.keys()]).toEqual([`requests_${name}`])
})

test.each<[string, readonly string[], QueryInput]>([
  ['the row rule reads a column', ['+A /routes/list'], { measures: ['requests.count'] }],
  [
    'a filter reads a column',
    ['+* *'],
    { measures: ['requests.count'], segments: ['requests.slow'] },
  ],
  ['a measure reads a column', ['+* *'], { measures: ['requests.clients'] }],
  ['the query reads single rows', ['+* *'], { dimensions: ['requests.status'], ungrouped: true }],
  [
    'buckets are of another time zone',
    ['+* *'],
    {
      measures: ['requests.duration_p50'],
      timezone: 'Asia/Kathmandu',
      timeDimensions: during(days, 'day'),
    },
  ],
])('no rollup of days answers when %s that it lacks', async (_, permissions, question) => {
  used.clear()
  const { rolled: rolled2, rows: rows2 } = await compare(
    buildTestRights(workspaces[1], permissions),
    question,
  )
  expect(rolled2).toEqual(rows2)
  expect([...used.keys()].filter((name) => isLacking(name, permissions))).toEqual([])
})

test('an explanation names the rollups and the rows that cover the range', () => {
  const { reads } = explainQuery(
    {
      datasets: datasets(),
      scopeOf: (dataset) => buildScope(everything, dataset),
      select: async () => [],
      now,
      rollups: warehouse.rollups,
    },
    {
      measures: ['requests.count'],
      timeDimensions: during(['2026-03-26T03:30', '2026-03-29T05:45'], 'hour'),
    },
  )
  expect(new Set(reads.map(({ table }) => table))).toEqual(
    new Set(['requests', 'requests_by_route_hour']),
  )
  const [rolled] = reads.filter(({ units }) => units !== undefined)
  expect(rolled?.units).toBeGreaterThan(3)
  const times = reads.flatMap(({ from, to }) => [from ?? '', to ?? '']).toSorted()
  expect(times[0]).toBe('2026-03-26T03:30:00.000Z')
})

/** A rule for a route can be answered where routes are keys. */
const isLacking = (name: string, permissions: readonly string[]): boolean =>
  permissions.includes('+* *') ? name.endsWith('_day') : !/by_(route|status)_(day|hour)/.test(name)

test('an answer from rollups equals the answer from the rows, for all rights and queries', async () => {
  const rights = fc.oneof(fc.constant(everything), arbitraryRights)
  await fc.assert(
    fc.asyncProperty(
      rights,
      fc.oneof(likelyQuery, likelyQuery, arbitraryQuery),
      async (...asked) => {
        const { rolled, rows } = await compare(...asked)
        expect(rolled).toEqual(rows)
      },
    ),
    { numRuns: 120 },
  )
  // The property is worth something only when rollups were read.
  expect([...used.values()].reduce((sum, one) => sum + one, 0)).toBeGreaterThan(20)
}, 240_000)

test('late rows are in the next answer, and in rollups once their units are built again', async () => {
  const question: QueryInput = {
    measures: ['requests.count', 'requests.duration_p95'],
    timeDimensions: [
      { dimension: 'requests.time', granularity: 'day', dateRange: ['2026-03-26', '2026-03-28'] },
    ],
  }
  const unitsOf = () =>
    warehouse.rollups.list.reduce(
      (sum, one) => sum + warehouse.rollups.units(one, 0, now).length,
      0,
    )
  const before = unitsOf()
  const late = fc.sample(arbitraryEvent, { numRuns: 40, seed: 12 })
  await warehouse.store(shifted(late))
  expect(unitsOf()).toBeLessThan(before)
  const { rolled: rolled3, rows: rows3 } = await compare(everything, question)
  expect(rolled3).toEqual(rows3)
  await warehouse.rollups.refresh()
  expect(unitsOf()).toBeGreaterThanOrEqual(before)
  const { rolled: rolled4, rows: rows4 } = await compare(everything, question)
  expect(rolled4).toEqual(rows4)
})

test('rows that are stored while their units are built are in every answer', async () => {
  await warehouse.store(shifted(fc.sample(arbitraryEvent, { numRuns: 30, seed: 14 })))
  const late = shifted(fc.sample(arbitraryEvent, { numRuns: 30, seed: 15 }))
  await Promise.all([warehouse.rollups.refresh(), warehouse.store(late)])
  const { rolled: rolled5, rows: rows5 } = await compare(everything, {
    measures: ['requests.count', 'requests.gateway_p50'],
  })
  expect(rolled5).toEqual(rows5)
  await warehouse.rollups.refresh()
  const { rolled: rolled6, rows: rows6 } = await compare(everything, {
    measures: ['requests.count', 'requests.gateway_p50'],
  })
  expect(rolled6).toEqual(rows6)
})

test('rows stored twice under one id are once in a rollup', async () => {
  const lines = Buffer.from(
    shifted(fc.sample(arbitraryEvent, { numRuns: 20, seed: 13 }))
      .map((event) => `${JSON.stringify(event)}\n`)
      .join(''),
  )
  for (let time = 0; time < 2; time += 1) {
    await warehouse.insertBatch('requests', 'again', lines)
    await warehouse.rollups.refresh()
  }
  const { rolled: rolled7, rows: rows7 } = await compare(everything, {
    measures: ['requests.count'],
  })
  expect(rolled7).toEqual(rows7)
})

test('reopening keeps built units, and changed ones are still not read', async () => {
  const counts = (from: Rollups) => from.list.map((one) => from.units(one, 0, now).length)
  const { path, rollups } = warehouse
  const before = counts(rollups)
  await warehouse.closeOnly()
  const options = { clock: { now: () => now }, rollups: rollups.list }
  const again = await openWarehouse({ ...options, path, retentionDays: { requests: 10_000 } })
  expect(counts(again.rollups)).toEqual(before)
  const event = shifted(fc.sample(arbitraryEvent, { numRuns: 2, seed: 16 })).at(-1)
  await again.insertBatch('requests', 'late', Buffer.from(`${JSON.stringify(event)}\n`))
  const changed = counts(again.rollups)
  expect(changed).not.toEqual(before)
  await again.close()
  const third = await openWarehouse({ ...options, path, retentionDays: { requests: 10_000 } })
  expect(counts(third.rollups)).toEqual(changed)
  await third.close()
})
