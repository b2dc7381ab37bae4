import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Rights } from '../../src/access/rights.ts'
import { analyticsRoutes } from '../../src/admin/analytics-routes.ts'
import { openAnalytics } from '../../src/analytics/open-analytics.ts'
import { Problem } from '../../src/lib/problem.ts'
import type { Answer, Explanation, Push } from '../../src/schema/answer.ts'
import { workspaces } from '../harness/arbitrary-rights.ts'
import { openTestWarehouse } from '../harness/open-test-warehouse.ts'
import { buildTestRights } from '../harness/build-test-rights.ts'

const [root, a, b] = workspaces
const known: Record<string, Rights | undefined> = {
  admin: buildTestRights(root, ['+* *']),
  developer: buildTestRights(a, ['+A *', '-A /consumers read']),
  colleague: buildTestRights(a, ['+A *', '-A /consumers/Bob read']),
  leaver: buildTestRights(a, ['+A *']),
}

let warehouse: Awaited<ReturnType<typeof openTestWarehouse>>
let app: FastifyInstance
let address: string
beforeAll(async () => {
  warehouse = await openTestWarehouse()
  await warehouse.store([
    {
      time: (Date.now() / 1000).toFixed(6),
      workspace: a.id,
      workspace_name: 'A',
      consumer_name: 'ann',
    },
    {
      time: (Date.now() / 1000).toFixed(6),
      workspace: b.id,
      workspace_name: 'B',
      consumer_name: 'bob',
    },
  ])
  app = Fastify({ logger: false })
  const analytics = openAnalytics({
    warehouse,
    rightsOf: (principalId) => known[principalId],
    clock: { now: () => Date.now() },
  })
  await app.register(analyticsRoutes, {
    analytics,
    identify: async ({ headers }) => {
      const principalId = headers.authorization?.replace('Bearer ', '') ?? ''
      const rights = known[principalId]
      if (rights === undefined) throw new Problem('test.unknown', 401, 'Unauthorized')
      return { principalId, rights }
    },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  address = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await app.close()
  await warehouse.close()
})

const post = async (path: string, body: unknown, who = 'developer'): Promise<Response> =>
  await fetch(`${address}/api/analytics/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${who}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

const condition = { member: 'requests.path', operator: 'set' }
const wide = (count: number): object[] =>
  Array.from({ length: count / 100 }, () => ({ or: Array.from({ length: 100 }, () => condition) }))
const deep = (levels: number): string =>
  `{"filters":${'[{"and":'.repeat(levels)}[]${'}]'.repeat(levels)}}`

const byWorkspace = { measures: ['requests.count'], dimensions: ['requests.workspace'] }

test('returns the rows that the principal sees, as JSON and as CSV', async () => {
  const { data, visibility } = (await (await post('query', byWorkspace)).json()) as Answer
  expect(data).toEqual([{ 'requests.workspace': 'A', 'requests.count': 1 }])
  expect(visibility.statement).toBe('You see requests of workspace A.')
  const all = (await (await post('query', byWorkspace, 'admin')).json()) as Answer
  expect(all.data).toHaveLength(2)
  const csv = await post('query?format=csv', byWorkspace)
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(csv.headers.get('x-weir-visibility')).toBe(
    'You see requests of workspace A. Callers are masked.',
  )
  expect(await csv.text()).toBe('requests.workspace,requests.count\r\nA,1\r\n')
})

test('reports that some callers of a workspace are masked, in answers, notices, exports and the description', async () => {
  const byConsumer = { measures: ['requests.count'], dimensions: ['requests.consumer'] }
  const statement = 'Callers are shown in workspace A except some; otherwise they are masked.'
  const because = ['Role tester of workspace A forbids read at /consumers/… in workspace A.']
  const callers = { scope: 'some', statement, because }
  const answer = (await (await post('query', byConsumer, 'colleague')).json()) as Answer
  expect(answer).toMatchObject({ visibility: { callers, masked: [] }, notices: [statement] })
  const csv = await post('query?format=csv', byConsumer, 'colleague')
  expect(csv.headers.get('x-weir-visibility')).toContain(statement)
  const meta = await fetch(`${address}/api/analytics/meta`, {
    headers: { authorization: 'Bearer colleague' },
  })
  expect(await meta.json()).toMatchObject({ visibility: { callers } })
})

test('explains from which tables a query is answered, and why not from rollups', async () => {
  const dateRange = ['2026-01-01', '2026-01-02']
  const asked = { ...byWorkspace, timeDimensions: [{ dimension: 'requests.time', dateRange }] }
  const explain = async (query: unknown) =>
    (await (await post('explain', query)).json()) as Explanation
  const { reads, reasons, visibility } = await explain(asked)
  expect(reads).toEqual([
    { table: 'requests', from: '2026-01-01T00:00:00.000Z', to: '2026-01-03T00:00:00.000Z' },
  ])
  expect(reasons).toContain('requests_by_route_day: no unit in the rest of the range is built')
  expect(visibility.statement).toBe('You see requests of workspace A.')
  const byPath = await explain({ dimensions: ['requests.path'] })
  expect(byPath.reads).toMatchObject([{ table: 'requests', to: null }])
  expect(byPath.reasons).toContain('requests_by_route_day: requests.path reads path')
  expect((await post('explain', { measures: ['requests.nothing'] })).status).toBe(422)
  expect((await post('explain', asked, 'nobody')).status).toBe(401)
})

test('returns the datasets of the principal', async () => {
  const headers = { authorization: 'Bearer developer' }
  const response = await fetch(`${address}/api/analytics/meta`, { headers })
  expect(await response.json()).toMatchObject({
    datasets: [{ name: 'audit' }, { name: 'requests' }, { name: 'unrecorded' }],
    visibility: { scope: 'some' },
  })
})

test.each<[string, string, unknown, number, string]>([
  ['an unknown principal', 'query', byWorkspace, 401, 'test.unknown'],
  ['broken JSON', 'query', '{', 400, 'request.invalid'],
  ['no body', 'query', '', 400, 'request.invalid'],
  ['a list', 'query', [], 400, 'query.invalid'],
  ['an unknown field', 'query', { ...byWorkspace, joins: [] }, 400, 'query.invalid'],
  ['SQL for a member', 'query', { dimensions: [`requests.path' OR 1`] }, 400, 'query.invalid'],
  ['a deep question', 'query', deep(20_000), 400, 'query.depth'],
  ['a long question', 'query', { ...byWorkspace, filters: wide(600) }, 422, 'query.filters'],
  ['an unknown word', 'query', { measures: ['requests.cuont'] }, 422, 'query.member'],
  ['a masked word', 'query', { dimensions: ['requests.consumer'] }, 403, 'query.masked'],
  ['an unknown format', 'query?format=xml', byWorkspace, 400, 'query.format'],
  ['a long body', 'query', `{"x":"${'x'.repeat(300_000)}"}`, 413, 'request.invalid'],
  ['no questions', 'subscribe', { queries: {} }, 400, 'query.subscription'],
  ['more than questions', 'subscribe', { queries: { q: byWorkspace }, also: 1 }, 400, 'query.body'],
])('rejects %s with a problem code', async (...[name, path, body, status, code]) => {
  const response = await post(path, body, name === 'an unknown principal' ? 'nobody' : 'developer')
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ code, message: expect.any(String) as string })
})

/** Opens a subscription; `data` receives raw chunks. */
async function open(who: string, queries: object, data: (piece: string) => void) {
  const request = httpRequest(`${address}/api/analytics/subscribe`, {
    method: 'POST',
    headers: { authorization: `Bearer ${who}`, 'content-type': 'application/json' },
  })
  request.on('error', () => undefined)
  request.end(JSON.stringify({ queries }))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.setEncoding('utf8').on('data', data)
  return { request, response }
}

/** Opens a subscription and reads its pushes. */
async function subscribe(who: string, queries: object) {
  const pushes: Push[] = []
  let text = ''
  const opened = await open(who, queries, (piece) => {
    const blocks = `${text}${piece}`.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks)
      if (block.startsWith('data: ')) pushes.push(JSON.parse(block.slice(6)) as Push)
  })
  return { ...opened, pushes }
}

const until = async (isTrue: () => boolean): Promise<void> => {
  const deadline = Date.now() + 45_000
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const last = (pushes: readonly Push[]): unknown => {
  const push = pushes.at(-1)
  return push !== undefined && 'answer' in push
    ? push.answer.data[0]?.['requests.count']
    : undefined
}

test('a subscription streams changed answers until the access ends', async () => {
  const count = { measures: ['requests.count'] }
  const { response, pushes } = await subscribe('leaver', { q: count })
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  await until(() => last(pushes) === 1)
  await warehouse.store([
    { time: (Date.now() / 1000).toFixed(6), workspace: a.id, workspace_name: 'A' },
  ])
  await until(() => last(pushes) === 2)
  known['leaver'] = undefined
  await once(response, 'end')
  expect(pushes.at(-1)).toEqual({
    id: 'q',
    problem: { code: 'query.ended', message: 'Your access has ended.' },
  })
})

test('a client that stops reading gets only the newest answer', async () => {
  const long = `/${'x'.repeat(4000)}`
  const at = (milliseconds: number) => ({ time: (milliseconds / 1000).toFixed(6), path: long })
  await warehouse.store(Array.from({ length: 1000 }, () => at(Date.now())))
  const rows = {
    dimensions: ['requests.time', 'requests.path'],
    ungrouped: true,
    order: { 'requests.time': 'desc' },
    limit: 1000,
  }
  const pieces: string[] = []
  const { request, response } = await open('admin', { q: rows }, (piece) => pieces.push(piece))
  await until(() => pieces.length > 0)
  response.pause()
  let turns = 0
  const other = await open('admin', { q: rows }, (piece) => {
    turns += piece.split('data: ').length - 1
  })
  while (turns < 14) {
    await warehouse.store([at(Date.now())])
    await new Promise((resolve) => setTimeout(resolve, 260))
  }
  other.request.destroy()
  const newest = new Date().toISOString()
  await warehouse.store([at(Date.parse(newest))])
  response.resume()
  await until(() => pieces.some((piece) => piece.includes(newest)))
  // Each push is 4 MB: the sockets buffer some, the newest follows, and all others are dropped.
  expect(pieces.join('').split('data: ').length - 1).toBeLessThan(turns - 4)
  request.destroy()
}, 180_000)

test('closing the server ends its streams', async () => {
  const { response, pushes } = await subscribe('admin', { q: { measures: ['requests.count'] } })
  await until(() => pushes.length === 1)
  const ended = once(response, 'end')
  await app.close()
  await ended
  expect(pushes).toHaveLength(1)
})
