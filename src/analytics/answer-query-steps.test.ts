import { expect, test } from 'vitest'
import { workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import type { Row, Statement } from '../warehouse/open-warehouse.ts'
import { builtInTables } from '../warehouse/tables.ts'
import { answerQuery } from './answer-query.ts'
import { builtInDatasets, readDatasets } from './datasets/read-datasets.ts'
import { buildScope } from './datasets/scope.ts'

// Steps before and besides the statement; ./answer-query.test.ts uses the engine.

const datasets = readDatasets(builtInDatasets, builtInTables)
const [root, a] = workspaces
const everything = buildTestRights(root, ['+* *'])
const now = Date.parse('2026-03-12T10:30:15.500Z')
const count = { measures: ['requests.count'] }

/** Answers a query from rows that the test decides, and keeps the statements. */
async function ask(
  query: unknown,
  { rights = everything, rows = (): readonly Row[] => [] as readonly Row[] } = {},
  statements: Statement[] = [],
) {
  const select = async (statement: Statement): Promise<readonly Row[]> => {
    statements.push(statement)
    return rows()
  }
  const scopeOf = (dataset: Parameters<typeof buildScope>[1]) => buildScope(rights, dataset)
  return await answerQuery({ datasets, scopeOf, select, now }, query)
}

/** A filter in some groups, which nest two levels each, as the query and the condition with its values do. */
const nested = (groups: number): object =>
  groups === 0
    ? { member: 'requests.status', operator: 'equals', values: ['1'] }
    : { and: [nested(groups - 1)] }

test('accepts 24 levels of nesting and refuses more', async () => {
  await expect(ask({ ...count, filters: [nested(10)] })).resolves.toBeDefined()
  await expect(ask({ ...count, filters: [nested(11)] })).rejects.toMatchObject({
    code: 'query.depth',
    status: 400,
    message: 'The query is nested more than 24 levels deep.',
  })
})

test('an invalid query names its fields', async () => {
  await expect(ask({ ...count, limit: 'x' })).rejects.toMatchObject({
    code: 'query.invalid',
    status: 400,
    detail: { fields: { limit: expect.anything() as object } },
  })
  await expect(ask(null)).rejects.toMatchObject({ code: 'query.invalid' })
})

test.each([
  [{ measures: ['other.count'] }],
  [{ dimensions: ['other.x'] }],
  [{ timeDimensions: [{ dimension: 'other.time' }] }],
  [{ segments: ['other.x'] }],
  [{ filters: [{ or: [{ and: [{ member: 'other.x', operator: 'set' }] }] }] }],
])('an unknown dataset is an error that names the visible ones: %o', async (query) => {
  await expect(ask(query)).rejects.toMatchObject({
    code: 'query.dataset',
    status: 400,
    message: `unknown dataset 'other', expected one of: audit, requests, unrecorded`,
    detail: { datasets: ['audit', 'requests', 'unrecorded'] },
  })
  await expect(ask(query, { rights: buildTestRights(a, []) })).rejects.toMatchObject({
    message: `unknown dataset 'other', you have access to no dataset`,
    detail: { datasets: [] },
  })
})

test('a query without any member is empty', async () => {
  await expect(ask({})).rejects.toMatchObject({ code: 'query.empty', status: 422 })
})

test('searches the newest row in the last hours first, and only then everywhere', async () => {
  const found: Statement[] = []
  const newest = Date.parse('2026-03-12T10:29:00Z')
  const { answer } = await ask(count, { rows: () => [{ c0: newest }] }, found)
  expect(answer.freshUntil).toBe('2026-03-12T10:29:00.000Z')
  expect(found).toHaveLength(2)
  expect(Object.values(found[1]?.params ?? {})).toContain(Date.parse('2026-03-12T09:00Z'))

  const all: Statement[] = []
  const empty = await ask(count, { rows: () => [{ c0: 0 }] }, all)
  expect(empty.answer.freshUntil).toBe(null)
  expect(all).toHaveLength(3)
  expect(all[2]?.sql).not.toContain('WHERE time')
  expect((await ask(count)).answer.freshUntil).toBe(null)
})

test('an answer is relative when its query depends on the current time', async () => {
  const during = (dateRange: string) =>
    ask({ ...count, timeDimensions: [{ dimension: 'requests.time', dateRange }] })
  expect((await during('today')).isRelative).toBe(true)
  expect((await during('2026-03-01')).isRelative).toBe(false)
})
