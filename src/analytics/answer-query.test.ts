import { createClient, type ClickHouseClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arbitraryEvent, arbitraryQuery, queriedAt } from '../../test/harness/arbitrary-query.ts'
import { arbitraryRights, consumers, workspaces } from '../../test/harness/arbitrary-rights.ts'
import { openTestWarehouse } from '../../test/harness/open-test-warehouse.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { decideRow } from '../access/decide-row.ts'
import type { Rights } from '../access/rights.ts'
import { callerRule, trafficRule } from '../access/row-rules.ts'
import { Problem } from '../lib/problem.ts'
import type { Answer, Cell } from '../schema/answer.ts'
import type { Event, EventColumnName } from '../schema/event.ts'
import type { QueryInput } from '../schema/query.ts'
import { builtInTables } from '../warehouse/tables.ts'
import * as queries from './answer-query.ts'
import type { Dataset } from './datasets/dataset.ts'
import { readDataset } from './datasets/read-datasets.ts'
import { buildScope, type Scope } from './datasets/scope.ts'

const dataset = readDataset(new URL('datasets/requests.yaml', import.meta.url), builtInTables)
const copy = { ...dataset, table: { ...dataset.table, name: 'copy' } }
const everything = buildScope(buildTestRights(workspaces[0], ['+* *']), dataset)

let warehouse: Awaited<ReturnType<typeof openTestWarehouse>>
let client: ClickHouseClient
beforeAll(async () => {
  warehouse = await openTestWarehouse()
  client = createClient({ connection: createChdbConnection({ path: warehouse.path }) as never })
  await client.command({ query: 'CREATE TABLE copy AS requests' })
})
afterAll(async () => {
  await client.close()
  await warehouse.close()
})

const answerQuery = (from: Dataset, scope: Scope, query: unknown) =>
  queries.answerQuery(
    {
      datasets: new Map([['requests', from]]),
      scopeOf: () => scope,
      select: (statement) => warehouse.query(statement),
      now: queriedAt,
    },
    query,
  )

async function fill(table: string, events: readonly Event[]): Promise<void> {
  await client.command({ query: `TRUNCATE TABLE ${table}` })
  if (events.length > 0) await client.insert({ table, values: [...events], format: 'JSONEachRow' })
}

/** The rows that rights give, with the callers taken out that they do not give: by decideRow, without any SQL. */
function permitted(rights: Rights, events: readonly Event[]): readonly Event[] {
  const [rows, callers] = [trafficRule(rights), callerRule(rights, 'consumers')]
  const blank = (event: Event): Event => {
    const blanks = [...(dataset.policy.identity?.columns ?? [])].map((column) => [
      column,
      Array.isArray(event[column as EventColumnName]) ? [] : '',
    ])
    return { ...event, ...(Object.fromEntries(blanks) as object) }
  }
  return events
    .filter((event) => decideRow(rows, event))
    .map((event) => (decideRow(callers, event) ? event : blank(event)))
}

/** Sums of fractions depend on the order of rows in their last digits. */
const rounded = (cell: Cell): Cell =>
  typeof cell === 'number' && !Number.isInteger(cell) ? Number(cell.toPrecision(6)) : cell

const comparable = ({ data }: Answer, masked: ReadonlySet<string>) =>
  data.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, cell]) => [name, masked.has(name) ? null : rounded(cell)]),
    ),
  )

const outcomeOf = async (answer: Promise<{ answer: Answer }>): Promise<Answer | Problem> =>
  await answer.then(
    (answered) => answered.answer,
    (error: unknown) => {
      if (error instanceof Problem && error.code === 'query.masked') return error
      throw error
    },
  )

/** Whether the question does more with a caller's column than show it in rows. */
function needsCallers(question: QueryInput): boolean {
  const words = JSON.stringify(question.ungrouped ? { ...question, dimensions: [] } : question)
  return [...dataset.members.values()].some(
    ({ name, identity }) => identity && words.includes(`"${name}"`),
  )
}

const [root, a] = workspaces
const distinguishingRights = fc.oneof(
  { weight: 1, arbitrary: arbitraryRights },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      // Masked in every row.
      buildTestRights(a, ['+A *', '-A /consumers']),
      buildTestRights(root, ['+A *', '+B *', '-A /consumers', '-B /consumers']),
      buildTestRights(root, ['+* *', '-* /consumers']),
      buildTestRights(root, ['+* *', '-* /consumers', '-* /services/billing']),
      // Masked in some rows.
      buildTestRights(root, ['+A *', '+B *', '-A /consumers']),
      buildTestRights(root, ['+* *', '-* /consumers/*']),
      buildTestRights(a, ['+A *', '-A /consumers/ann']),
      buildTestRights(root, ['+A *', '+B *', `-A /consumers/${consumers[1].id}`]),
      // Masked in no row.
      buildTestRights(a, ['+A /services/*', '-A /services/billing']),
      buildTestRights(root, ['+* *', '-A /services/orders', '-* /routes/list']),
      buildTestRights(root, ['+* *']),
    ),
  },
)
/** Half of them are answered also where callers are masked. */
const arbitraryQuestions = fc
  .tuple(
    fc.array(arbitraryQuery, { minLength: 3, maxLength: 3 }),
    fc.array(
      arbitraryQuery.filter((question) => !needsCallers(question)),
      { minLength: 3, maxLength: 3 },
    ),
  )
  .map((halves) => halves.flat())

test('an answer equals that of an unrestricted principal over the rows that decideRow accepts', async () => {
  const seen = { masked: 0, refused: 0, empty: 0, answered: 0 }
  await fc.assert(
    fc.asyncProperty(
      distinguishingRights,
      fc.array(arbitraryEvent, { minLength: 20, maxLength: 60 }),
      arbitraryQuestions,
      async (rights, events, questions) => {
        await fill('requests', events)
        await fill('copy', permitted(rights, events))
        const scope = buildScope(rights, dataset)
        const masked = new Set(scope.visibility.masked.map(({ member }) => member))
        for (const question of questions) {
          const got = await outcomeOf(answerQuery(dataset, scope, question))
          const want = await outcomeOf(answerQuery(copy, everything, question))
          const isRefused = masked.size > 0 && needsCallers(question)
          expect(got instanceof Problem).toBe(isRefused)
          if (got instanceof Problem || want instanceof Problem) {
            seen.refused++
            continue
          }
          expect(comparable(got, new Set())).toEqual(comparable(want, masked))
          expect(got.freshUntil).toBe(want.freshUntil)
          seen[got.data.length === 0 ? 'empty' : masked.size > 0 ? 'masked' : 'answered']++
        }
      },
    ),
    { numRuns: 30 },
  )
  // The property is worth something only when all of it was met.
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(5)
}, 180_000)

test('repeating the query of an answer returns the same answer', async () => {
  const events = fc.sample(arbitraryEvent, { numRuns: 60, seed: 1 })
  await fill('requests', events)
  for (const question of fc.sample(arbitraryQuery, { numRuns: 60, seed: 2 })) {
    const { answer: first } = await answerQuery(dataset, everything, question)
    const { answer: again } = await answerQuery(dataset, everything, first.query)
    expect(comparable(again, new Set())).toEqual(comparable(first, new Set()))
    expect(again.query.timeDimensions).toEqual(first.query.timeDimensions)
  }
}, 180_000)

test('a page of the newest rows of a long range is the same as in the list of all of them', async () => {
  await fill('requests', fc.sample(arbitraryEvent, { numRuns: 80, seed: 3 }))
  const newest = async (limit: number, offset = 0) => {
    const { answer } = await answerQuery(dataset, everything, {
      dimensions: ['requests.time', 'requests.request_id'],
      ungrouped: true,
      timeDimensions: [{ dimension: 'requests.time', dateRange: 'last 30 days' }],
      order: [['requests.time', 'desc']],
      limit,
      offset,
    })
    return answer.data
  }
  const all = await newest(1_000)
  expect(all).toHaveLength(80)
  expect(await newest(2)).toEqual(all.slice(0, 2))
  expect(await newest(30, 20)).toEqual(all.slice(20, 50))
  expect(await newest(79, 1)).toEqual(all.slice(1))
})
