import { expect, test } from 'vitest'
import { routes, services, workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import type { Rights } from '../access/rights.ts'
import { query as querySchema, type QueryInput } from '../schema/query.ts'
import type { Row } from '../warehouse/open-warehouse.ts'
import { builtInTables } from '../warehouse/tables.ts'
import { buildAnswer } from './build-answer.ts'
import { readDataset } from './datasets/read-datasets.ts'
import { buildScope } from './datasets/scope.ts'
import { governPlan } from './govern-plan.ts'
import { planQuery } from './plan-query.ts'

const dataset = readDataset(new URL('datasets/requests.yaml', import.meta.url), builtInTables)
const now = Date.parse('2026-03-12T03:30:00Z')
const [root, a, b] = workspaces
const everything = buildTestRights(root, ['+* *'])
const developer = buildTestRights(a, ['+A *', '-A /consumers'])

const answer = (query: QueryInput, rows: readonly Row[] = [], rights: Rights = everything) => {
  const scope = buildScope(rights, dataset)
  const plan = governPlan(planQuery(dataset, querySchema.parse(query), now), scope)
  return buildAnswer(plan, scope, rows)
}
const count: QueryInput = { measures: ['requests.count'] }
const instant = Date.parse('2026-03-12T01:00:00Z')

test('a bucket is under its granularity and under the name of its dimension', () => {
  const { data, annotation } = answer(
    { ...count, timeDimensions: [{ dimension: 'requests.time', granularity: 'hour' }] },
    [{ c0: instant, c1: 3 }],
  )
  const time = '2026-03-12T01:00:00.000Z'
  expect(data).toEqual([{ 'requests.time': time, 'requests.time.hour': time, 'requests.count': 3 }])
  expect(Object.keys(annotation.timeDimensions)).toEqual(['requests.time', 'requests.time.hour'])
  expect([annotation.dimensions, Object.keys(annotation.measures)]).toEqual([
    {},
    ['requests.count'],
  ])
})

test('annotates members with their title, type and format', () => {
  const { annotation } = answer({
    ...count,
    dimensions: ['requests.status'],
    timeDimensions: [{ dimension: 'requests.time', dateRange: 'today' }],
  })
  expect(Object.keys(annotation.timeDimensions)).toEqual(['requests.time'])
  expect(Object.keys(annotation.dimensions)).toEqual(['requests.status'])
  const { title, type, format } = dataset.members.get('requests.count') ?? {}
  expect(annotation.measures).toEqual({ 'requests.count': { title, type, format } })
})

test('cells that are missing, or the time of no row, are null', () => {
  const query = { dimensions: ['requests.method', 'requests.time'], ungrouped: true }
  expect(answer(query, [{ c0: null, c1: 0 }, { c1: instant }]).data).toEqual([
    { 'requests.method': null, 'requests.time': null },
    { 'requests.method': null, 'requests.time': '2026-03-12T01:00:00.000Z' },
  ])
})

test('masked members are null, whatever the engine returned', () => {
  const query = { dimensions: ['requests.method', 'requests.consumer'], ungrouped: true }
  expect(answer(query, [{ c0: 'GET', c1: 'ann' }], developer).data).toEqual([
    { 'requests.method': 'GET', 'requests.consumer': null },
  ])
})

test('the row above the limit only marks the answer as truncated', () => {
  const query = { ...count, dimensions: ['requests.method'], limit: 2 }
  const rows = ['GET', 'PUT', 'POST'].map((c0, c1) => ({ c0, c1 }))
  const { data, notices } = answer(query, rows)
  expect([data.length, notices]).toEqual([2, ['Only the first 2 rows are shown.']])
  expect(answer(query, rows.slice(0, 2)).notices).toEqual([])
})

const equals = (member: string, ...values: string[]): QueryInput => ({
  ...count,
  filters: [{ member, operator: 'equals', values }],
})
const hidden = (kind: string, name: string): string =>
  `You do not have access to ${kind} ${name}; if it exists, its rows are hidden.`

test.each<[string, string, string[]]>([
  ['requests.workspace', 'B', [hidden('workspace', 'B')]],
  ['requests.workspace_id', b.id, [hidden('workspace', b.id)]],
  ['requests.service_id', services[3].id, [hidden('service', services[3].id)]],
  ['requests.route_id', routes[3].id, [hidden('route', routes[3].id)]],
  ['requests.workspace', 'A', []],
  ['requests.workspace', '', []],
  ['requests.method', 'B', []],
])('a filter on %s %o gives the notices %o', (member, value, notices) => {
  expect(answer(equals(member, value), [], developer).notices).toEqual(notices)
})

test('each hidden name has one notice, only where rows must equal it', () => {
  const twice = answer(
    {
      ...count,
      filters: [
        {
          or: [{ member: 'requests.workspace', operator: 'equals', values: ['B', 'A', 'X', 'B'] }],
        },
        { member: 'requests.workspace', operator: 'equals', values: ['B'] },
        { member: 'requests.workspace', operator: 'notEquals', values: ['Y'] },
      ],
    },
    [],
    developer,
  )
  expect(twice.notices).toEqual([hidden('workspace', 'B'), hidden('workspace', 'X')])
})

test('states where callers are shown, if some are masked and the query reads them', () => {
  const byConsumer: QueryInput = { ...count, dimensions: ['requests.consumer'] }
  const some = buildTestRights(root, ['+A *', '+B *', '-A /consumers'])
  const shown = 'Callers are shown in workspace B; otherwise they are masked.'
  expect(answer(byConsumer, [], some).notices).toEqual([shown])
  expect(answer(equals('requests.consumer', 'ann'), [], some).notices).toEqual([shown])
  expect(answer(count, [], some).notices).toEqual([])
  expect(answer(byConsumer, [], everything).notices).toEqual([])
})
