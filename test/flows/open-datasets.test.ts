import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Rights } from '../../src/access/rights.ts'
import { analyticsRoutes } from '../../src/admin/analytics-routes.ts'
import { readDataset } from '../../src/analytics/datasets/read-datasets.ts'
import { openAnalytics } from '../../src/analytics/open-analytics.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { identityColumns, nameColumns, plainColumns } from '../../src/preview/read-traffic.ts'
import type { Answer, Meta, Push } from '../../src/schema/answer.ts'
import { openWarehouse, type Warehouse } from '../../src/warehouse/open-warehouse.ts'
import { builtInTables, type Table } from '../../src/warehouse/tables.ts'
import { services, workspaces } from '../harness/arbitrary-rights.ts'
import { buildTestRights } from '../harness/build-test-rights.ts'

// Two datasets that are not built in: `usage` has other names for its policy columns, `nodes` has no workspace.
const tables: readonly Table[] = [
  {
    name: 'usage_rows',
    columns: {
      at: { type: `DateTime64(3, 'UTC')` },
      time: { type: `DateTime64(3, 'UTC')` },
      tenant: { type: 'String' },
      tenant_name: { type: 'LowCardinality(String)' },
      product: { type: 'String' },
      product_name: { type: 'String' },
      endpoint: { type: 'String' },
      endpoint_name: { type: 'String' },
      buyer: { type: 'String' },
      tags: { type: 'Array(String)' },
      tokens: { type: 'UInt64' },
    },
    engine: 'ReplacingMergeTree',
    orderBy: '(tenant, at)',
    retentionDays: 10_000,
  },
  {
    name: 'nodes',
    columns: { time: { type: `DateTime64(3, 'UTC')` }, node: { type: 'String' } },
    engine: 'MergeTree',
    orderBy: 'time',
    retentionDays: 10_000,
  },
]

const usage = `
name: usage
title: Usage
about: Tokens that consumers used.
noun: { one: usage record, many: usage records }
table: usage_rows
time: at
policy:
  rows:
    rule: service_or_route
    workspace: { id: tenant, name: tenant_name }
    service: { id: product, name: product_name }
    route: { id: endpoint, name: endpoint_name }
  identity:
    collection: consumers
    columns: [buyer, tags]
dimensions:
  at: { title: Time, about: Time., type: time, format: time, sql: at }
  workspace: { title: Workspace, about: Workspace., sql: tenant_name }
  buyer: { title: Buyer, about: Buyer., sql: buyer }
  tags: { title: Tags, about: Tags., list: true, sql: tags }
measures:
  tokens: { title: Tokens, about: Tokens., format: number, empty: 0, sql: sum(tokens) }
  buyers: { title: Buyers, about: Buyers., format: number, empty: 0, sql: uniqExact(buyer) }
`
const nodes = `
name: nodes
title: Nodes
about: Gateway nodes.
noun: { one: node, many: nodes }
table: nodes
time: time
policy:
  rows: { rule: collection, collection: nodes, workspace: none }
  identity: none
dimensions:
  time: { title: Time, about: Time., type: time, format: time, sql: time }
  node: { title: Node, about: Node., sql: node }
measures:
  count: { title: Nodes, about: Nodes., format: number, empty: 0, sql: count() }
`

const [root, a, b] = workspaces
const principals: Record<string, Rights> = {
  admin: buildTestRights(root, ['+* *']),
  developer: buildTestRights(a, ['+A *', '-A /consumers read', '-A /audit read']),
  stranger: buildTestRights(a, []),
}

let directory: string
let warehouse: Warehouse
let app: FastifyInstance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-datasets-'))
  const datasets = join(directory, 'datasets')
  await cp(new URL('../../src/analytics/datasets', import.meta.url), datasets, { recursive: true })
  await writeFile(join(datasets, 'usage.yaml'), usage)
  await writeFile(join(datasets, 'nodes.yaml'), nodes)
  warehouse = await openWarehouse({
    path: join(directory, 'warehouse'),
    tables: [...builtInTables, ...tables],
  })
  const rows = [
    row({ tenant: a.id, tenant_name: 'A', product: services[0].id, buyer: 'ann', tokens: 1 }),
    row({ tenant: b.id, tenant_name: 'B', product: services[3].id, buyer: 'bob', tokens: 10 }),
  ]
  await warehouse.insertBatch('usage_rows', 'usage-1', Buffer.from(rows.join('')))
  // A ReplacingMergeTree keeps both versions until it merges parts.
  await warehouse.insertBatch('usage_rows', 'usage-2', Buffer.from(rows.join('')))
  await warehouse.insertBatch(
    'nodes',
    'nodes-1',
    Buffer.from(`{"time":"1763700000.000","node":"n"}\n`),
  )
  app = Fastify()
  await app.register(analyticsRoutes, {
    analytics: openAnalytics({
      warehouse,
      rightsOf: (id) => principals[id],
      clock: systemClock,
      datasets: pathToFileURL(`${datasets}/`),
    }),
    identify: async ({ headers }) => {
      const principalId = headers.authorization ?? ''
      return { principalId, rights: principals[principalId] as Rights }
    },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
}, 60_000)
afterAll(async () => {
  await app.close()
  await warehouse.close()
  await rm(directory, { recursive: true, force: true })
})

const row = (given: object): string =>
  `${JSON.stringify({ at: '1763700000.000', time: '1763700000.000', tenant: '', tenant_name: '', product: '', product_name: '', endpoint: '', endpoint_name: '', buyer: '', tags: ['x'], tokens: 0, ...given })}\n`

const ask = async (authorization: string, payload: object, path = 'query') =>
  await app.inject({
    method: 'POST',
    url: `/api/analytics/${path}`,
    headers: { authorization },
    payload,
  })

const byWorkspace = { measures: ['usage.tokens'], dimensions: ['usage.workspace'] }

test('a dataset added as a YAML file and a table answers each principal within their rights', async () => {
  const admin = (await ask('admin', byWorkspace)).json<Answer>()
  expect(admin.data).toEqual([
    { 'usage.workspace': 'B', 'usage.tokens': 10 },
    { 'usage.workspace': 'A', 'usage.tokens': 1 },
  ])
  expect(admin.freshUntil).toBe('2025-11-21T04:40:00.000Z')
  const developer = (await ask('developer', byWorkspace)).json<Answer>()
  expect(developer.data).toEqual([{ 'usage.workspace': 'A', 'usage.tokens': 1 }])
  expect(developer.visibility.statement).toBe('You see usage records of workspace A.')
  const stranger = (await ask('stranger', byWorkspace)).json<Answer>()
  expect(stranger.data).toEqual([])
  expect(stranger.freshUntil).toBe(null)
  expect(stranger.visibility.statement).toBe(
    'You see no usage records: none of your roles lets you read services or routes.',
  )
})

test('its identity columns are masked as declared', async () => {
  const rows = { dimensions: ['usage.buyer', 'usage.tags'], ungrouped: true }
  expect((await ask('developer', rows)).json<Answer>().data).toEqual([
    { 'usage.buyer': null, 'usage.tags': null },
  ])
  expect((await ask('admin', rows)).json<Answer>().data).toHaveLength(2)
  for (const query of [
    { dimensions: ['usage.buyer'] },
    { measures: ['usage.buyers'] },
    { ...byWorkspace, filters: [{ member: 'usage.tags', operator: 'set' }] },
  ])
    expect((await ask('developer', query)).json()).toMatchObject({ code: 'query.masked' })
})

test('rows without a workspace are visible only to those who may read the collection everywhere', async () => {
  const count = { measures: ['nodes.count'] }
  expect((await ask('admin', count)).json<Answer>().data).toEqual([{ 'nodes.count': 1 }])
  const { data, visibility } = (await ask('developer', count)).json<Answer>()
  expect(data).toEqual([{ 'nodes.count': 0 }])
  expect(visibility.statement).toBe('You see no nodes: none of your roles lets you read /nodes.')
})

test('names that are not visible to the principal are reported for every dataset', async () => {
  const filters = [{ member: 'usage.workspace', operator: 'equals', values: ['B'] }]
  const { notices } = (await ask('developer', { ...byWorkspace, filters })).json<Answer>()
  expect(notices).toEqual([
    'You do not have access to workspace B; if it exists, its rows are hidden.',
  ])
})

test('meta lists the datasets of which a principal sees any row', async () => {
  const meta = async (authorization: string) =>
    (await app.inject({ url: '/api/analytics/meta', headers: { authorization } })).json<Meta>()
  const names = ({ datasets }: Meta) => datasets.map(({ name }) => name)
  expect(names(await meta('admin'))).toEqual(['audit', 'nodes', 'requests', 'unrecorded', 'usage'])
  const developer = await meta('developer')
  expect(names(developer)).toEqual(['requests', 'unrecorded', 'usage'])
  expect(names(await meta('stranger'))).toEqual([])
  const members = developer.datasets.flatMap(({ dimensions, measures }) => [
    ...dimensions,
    ...measures,
  ])
  const masked = members.filter((one) => one.masked && one.name.startsWith('usage.'))
  expect(masked.map(({ name }) => name)).toEqual(['usage.buyer', 'usage.tags', 'usage.buyers'])
  const withReason = developer.visibility.masked.map(({ member }) => member)
  expect(withReason).toEqual(expect.arrayContaining(['usage.buyer', 'requests.consumer']))
})

test('CSV and subscriptions serve it like any other', async () => {
  const csv = await ask('developer', byWorkspace, 'query?format=csv')
  expect(csv.body).toBe('usage.workspace,usage.tokens\r\nA,1\r\n')
  const address = app.listeningOrigin
  const stop = new AbortController()
  const response = await fetch(`${address}/api/analytics/subscribe`, {
    method: 'POST',
    headers: { authorization: 'developer', 'content-type': 'application/json' },
    body: JSON.stringify({ queries: { q: byWorkspace } }),
    signal: stop.signal,
  })
  let text = ''
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    if (/data: .*\n\n/.test(text)) break
  }
  const push = JSON.parse(/data: (.*)\n\n/.exec(text)?.[1] ?? '') as Push
  expect('answer' in push && push.answer.data).toEqual([
    { 'usage.workspace': 'A', 'usage.tokens': 1 },
  ])
  stop.abort()
})

test.each([
  [
    'admin',
    "unknown dataset 'secrets', expected one of: audit, nodes, requests, unrecorded, usage",
  ],
  ['developer', "unknown dataset 'secrets', expected one of: requests, unrecorded, usage"],
  ['stranger', "unknown dataset 'secrets', you have access to no dataset"],
])('an unknown dataset is an error that names what %s sees', async (principal, message) => {
  for (const query of [
    { measures: ['secrets.count'] },
    { dimensions: ['secrets.name'] },
    { timeDimensions: [{ dimension: 'secrets.time', granularity: 'day' }] },
    { segments: ['secrets.all'] },
    { filters: [{ or: [{ member: 'secrets.name', operator: 'set' }] }] },
  ]) {
    const response = await ask(principal, query)
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code: 'query.dataset', message })
  }
})

test('a preview masks the identity columns that the dataset declares', () => {
  const file = new URL('../../src/analytics/datasets/requests.yaml', import.meta.url)
  const declared = readDataset(file, builtInTables).policy.identity?.columns ?? new Set()
  expect(identityColumns.filter((column) => !declared.has(column))).toEqual([])
  expect([...plainColumns, ...nameColumns].filter((column) => declared.has(column))).toEqual([])
})
