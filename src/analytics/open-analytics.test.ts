import { afterEach, beforeEach, expect, test } from 'vitest'
import { routes, services, workspaces } from '../../test/harness/arbitrary-rights.ts'
import { openTestWarehouse } from '../../test/harness/open-test-warehouse.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import type { Rights } from '../access/rights.ts'
import type { Push } from '../schema/answer.ts'
import type { Event } from '../schema/event.ts'
import type { QueryInput } from '../schema/query.ts'
import type { Statement } from '../warehouse/open-warehouse.ts'
import { openAnalytics, type Analytics } from './open-analytics.ts'

const [root, a, b] = workspaces
const everything = buildTestRights(root, ['+* *'])
const developer = buildTestRights(a, ['+A *', '-A /consumers'])

let warehouse: Awaited<ReturnType<typeof openTestWarehouse>>
let analytics: Analytics
let asked: Statement[]
let rights: Rights | undefined
const logged: Record<string, unknown>[] = []
const note = (message: string, fields: object = {}) => void logged.push({ message, ...fields })
const log = { info: note, warn: note, error: note }

beforeEach(async () => {
  warehouse = await openTestWarehouse()
  rights = everything
  asked = []
  analytics = openAnalytics({
    warehouse: {
      ...warehouse,
      query: async (statement) => {
        asked.push(statement)
        return await warehouse.query(statement)
      },
    },
    rightsOf: () => rights,
    clock: { now: () => Date.now() },
    log,
  })
})
afterEach(async () => {
  await warehouse.close()
})

const at = (milliseconds: number): string => (milliseconds / 1000).toFixed(6)
const inA = {
  workspace: a.id,
  workspace_name: 'A',
  service: services[0].id,
  service_name: 'orders',
}
const inB = {
  workspace: b.id,
  workspace_name: 'B',
  service: services[3].id,
  service_name: 'orders',
}
const now = (event: Partial<Event>): Partial<Event> => ({ time: at(Date.now()), ...event })
const count: QueryInput = { measures: ['requests.count'] }

const until = async (isTrue: () => boolean): Promise<void> => {
  const deadline = Date.now() + 45_000
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const counts = (pushes: readonly Push[], id = 'q'): readonly unknown[] =>
  pushes
    .filter((push) => push.id === id)
    .map((push) => ('answer' in push ? push.answer.data[0]?.['requests.count'] : push.problem.code))

test('fills empty intervals up to now in each group', async () => {
  const day = '2026-03-29'
  await warehouse.store([
    { ...inA, time: at(Date.parse(`${day}T00:10Z`)), status: 500 },
    { ...inB, time: at(Date.parse(`${day}T05:10Z`)) },
  ])
  const clock = { now: () => Date.parse(`${day}T05:30Z`) }
  const then = openAnalytics({ warehouse, rightsOf: () => undefined, clock })
  const question: QueryInput = {
    measures: ['requests.count', 'requests.error_rate'],
    timeDimensions: [{ dimension: 'requests.time', granularity: 'hour', dateRange: 'today' }],
    timezone: 'Europe/Berlin',
  }
  const { data } = await then.answer(everything, question)
  // The day on which clocks in Berlin skip an hour began at 23:00 UTC.
  expect(data).toHaveLength(7)
  expect(data[0]).toEqual({
    'requests.time': '2026-03-28T23:00:00.000Z',
    'requests.time.hour': '2026-03-28T23:00:00.000Z',
    'requests.count': 0,
    'requests.error_rate': null,
  })
  expect(data.map((row) => row['requests.count'])).toEqual([0, 1, 0, 0, 0, 0, 1])

  const grouped = await then.answer(everything, { ...question, dimensions: ['requests.workspace'] })
  expect(grouped.data).toHaveLength(14)
  expect(grouped.data.slice(0, 2).map((row) => row['requests.workspace'])).toEqual(['A', 'B'])

  const cut = await then.answer(everything, { ...question, limit: 1 })
  expect(cut.data).toHaveLength(1)
  expect(cut.notices).toEqual(['Only the first 1 rows are shown.', 'Empty intervals are omitted.'])
})

test('a filter on a hidden workspace selects nothing and gives the same notice whether it exists or not', async () => {
  await warehouse.store([now(inA), now(inB)])
  const ask = (member: string, value: string) =>
    analytics.answer(developer, {
      ...count,
      filters: [{ member, operator: 'equals', values: [value] }],
    })
  for (const name of ['B', 'nowhere']) {
    const { data, notices, visibility } = await ask('requests.workspace', name)
    expect(data).toEqual([{ 'requests.count': 0 }])
    expect(notices).toEqual([
      `You do not have access to workspace ${name}; if it exists, its rows are hidden.`,
    ])
    expect(visibility.statement).toBe('You see requests of workspace A.')
  }
  expect((await ask('requests.service_id', services[3].id)).notices).toHaveLength(1)
  expect((await ask('requests.route_id', routes[3].id)).notices).toHaveLength(1)
  const inSight = await ask('requests.workspace', 'A')
  expect([inSight.data, inSight.notices]).toEqual([[{ 'requests.count': 1 }], []])
  expect(
    (
      await analytics.answer(everything, {
        ...count,
        filters: [{ member: 'requests.workspace', operator: 'equals', values: ['nowhere'] }],
      })
    ).notices,
  ).toEqual([])
})

test('names the workspaces in which callers are shown', async () => {
  await warehouse.store([
    now({ ...inA, consumer_name: 'ann' }),
    now({ ...inB, consumer_name: 'bob' }),
  ])
  const some = buildTestRights(root, ['+A *', '+B *', '-A /consumers'])
  const { data, notices } = await analytics.answer(some, {
    ...count,
    dimensions: ['requests.consumer'],
  })
  expect(data).toEqual([
    { 'requests.consumer': '', 'requests.count': 1 },
    { 'requests.consumer': 'bob', 'requests.count': 1 },
  ])
  expect(notices).toEqual(['Callers are shown in workspace B; otherwise they are masked.'])
})

test('meta lists masked members and hides datasets without visible rows', async () => {
  const { datasets, visibility } = await analytics.meta(developer)
  const masked = datasets
    .flatMap(({ dimensions, measures }) => [...dimensions, ...measures])
    .filter((member) => member.masked)
    .map(({ name }) => name)
  expect(masked.slice(0, 2)).toEqual(['audit.path', 'audit.because'])
  expect(masked.slice(2)).toEqual(
    [
      'consumer',
      'consumer_id',
      'consumer_groups',
      'credential',
      'subject',
      'issuer',
      'scopes',
      'agent',
      'client_address',
      'user_agent',
      'peer_identity',
      'consumers',
      'clients',
    ].map((name) => `requests.${name}`),
  )
  expect(visibility.masked[2]).toEqual({
    member: 'requests.consumer',
    reason:
      'Role tester of workspace A forbids create, delete, read, update at /consumers in workspace A.',
  })
  expect(await analytics.meta(buildTestRights(a, []))).toMatchObject({
    datasets: [],
    visibility: { scope: 'nothing' },
  })
  expect(JSON.stringify(await analytics.meta(everything))).not.toContain('sql')
})

test('CSV is quoted, escapes formulas and is masked', async () => {
  await warehouse.store([
    now({
      ...inA,
      path: '=1+1',
      query: 'a,"b"\r\n',
      consumer_name: 'ann',
      consumer_groups: ['x', 'y'],
    }),
  ])
  const question: QueryInput = {
    dimensions: [
      'requests.path',
      'requests.query',
      'requests.consumer_groups',
      'requests.status',
    ].concat('requests.consumer'),
    ungrouped: true,
  }
  const head =
    'requests.path,requests.query,requests.consumer_groups,requests.status,requests.consumer\r\n'
  expect((await analytics.csv(everything, question)).csv).toBe(
    `${head}'=1+1,"a,""b""\r\n","x, y",200,ann\r\n`,
  )
  expect((await analytics.csv(developer, question)).csv).toBe(
    `${head}'=1+1,"a,""b""\r\n",,200,\r\n`,
  )
})

test('the message of an engine error is logged and not returned', async () => {
  const broken = openAnalytics({
    warehouse: { ...warehouse, query: () => Promise.reject(new Error('secret of a row')) },
    rightsOf: () => undefined,
    clock: { now: () => Date.now() },
    log,
  })
  await expect(broken.answer(everything, count)).rejects.toMatchObject({
    code: 'query.failed',
    status: 500,
    message: expect.not.stringContaining('secret') as string,
  })
  expect(logged.at(-1)).toMatchObject({ error: { message: 'secret of a row' } })
})

test.each(['159', '241'])('engine error %s reports an exceeded limit', async (code) => {
  const broken = openAnalytics({
    warehouse: {
      ...warehouse,
      query: () => Promise.reject(Object.assign(new Error('secret of a row'), { code })),
    },
    rightsOf: () => undefined,
    clock: { now: () => Date.now() },
    log,
  })
  const id = expect.any(String) as string
  await expect(broken.answer(everything, count)).rejects.toMatchObject({
    code: 'query.failed',
    status: 422,
    message: expect.stringContaining('exceeds the time or memory limit') as string,
    detail: { id },
  })
  expect(logged.at(-1)).toMatchObject({ message: 'analytics: query failed', id })
})

test('a subscription pushes at once, and then only changed answers', async () => {
  const pushes: Push[] = []
  const queries = {
    q: count,
    slow: { ...count, segments: ['requests.slow'] },
    wrong: { measures: ['requests.no'] },
  }
  const subscription = analytics.subscribe('ann', queries, (push) => pushes.push(push))
  await until(() => pushes.length === 3)
  expect(counts(pushes, 'wrong')).toEqual(['query.member'])
  await warehouse.store([now(inA)])
  await until(() => counts(pushes).length === 2)
  expect(counts(pushes)).toEqual([0, 1])
  expect(counts(pushes, 'slow')).toEqual([0])
  expect(counts(pushes, 'wrong')).toHaveLength(1)
  subscription.close()
  await subscription.ended
  await warehouse.store([now(inA)])
  expect(counts(pushes)).toEqual([0, 1])
})

test('many inserts cause few refreshes, and the last state is always pushed', async () => {
  const pushes: Push[] = []
  const subscription = analytics.subscribe('ann', { q: count }, (push) => pushes.push(push))
  await until(() => pushes.length === 1)
  const before = Date.now()
  for (let batch = 0; batch < 60; batch++) await warehouse.store([now(inA)])
  await until(() => counts(pushes).at(-1) === 60)
  const turns = Math.ceil((Date.now() - before) / 250) + 2
  expect(pushes.length).toBeLessThanOrEqual(turns)
  subscription.close()
  await subscription.ended
})

test('equal queries of several subscribers run once, but not across different rights', async () => {
  await warehouse.store([now(inA), now(inB)])
  const seen = [everything, everything, developer].map((held) => {
    const pushes: Push[] = []
    rights = held
    return {
      pushes,
      subscription: analytics.subscribe('ann', { q: count }, (push) => pushes.push(push)),
    }
  })
  // Each has asked for its rights before this line runs.
  await until(() => seen.every(({ pushes }) => pushes.length > 0))
  expect(seen.map(({ pushes }) => counts(pushes)[0])).toEqual([2, 2, 1])
  const statements = asked.filter(({ sql }) => sql.startsWith('SELECT count()'))
  expect(statements.length).toBeLessThan(3)
  for (const { subscription } of seen) subscription.close()
})

test('equal statements with different parameters are not shared', async () => {
  await warehouse.store([now(inA), now(inA), now(inB)])
  const of = (home: typeof a | typeof b) =>
    analytics
      .answer(buildTestRights(home, ['+* *']), count)
      .then(({ data }) => data[0]?.['requests.count'])
  for (let round = 0; round < 3; round++) expect(await Promise.all([of(a), of(b)])).toEqual([2, 1])
})

test('equal statements are shared for a quarter of a second, and rows of another process appear after it', async () => {
  const clock = { time: 1_800_000_000_000, now: () => clock.time }
  let statements = 0
  const apart = openAnalytics({
    warehouse: {
      ...warehouse,
      // As with a ClickHouse server into which another control plane inserts.
      onInsert: () => () => undefined,
      query: async (statement) => {
        statements += 1
        return await warehouse.query(statement)
      },
    },
    rightsOf: () => undefined,
    clock,
  })
  const recent: QueryInput = {
    ...count,
    timeDimensions: [{ dimension: 'requests.time', dateRange: 'last 15 minutes' }],
  }
  const answer = async () => (await apart.answer(everything, recent)).data[0]?.['requests.count']
  await warehouse.store([{ ...inA, time: at(clock.time) }])
  expect(await answer()).toBe(1)
  const first = statements
  await warehouse.store([{ ...inA, time: at(clock.time) }])
  clock.time += 249
  expect([await answer(), statements]).toEqual([1, first])
  clock.time += 1
  expect([await answer(), statements]).toEqual([2, 2 * first])
  clock.time += 250
  expect([await answer(), statements]).toEqual([2, 3 * first])
})

test('an answer includes every row that was stored before it was requested', async () => {
  for (let rows = 1; rows <= 5; rows++) {
    await warehouse.store([now(inA)])
    expect((await analytics.answer(everything, count)).data).toEqual([{ 'requests.count': rows }])
  }
})

test('a limit that is not exceeded truncates nothing', async () => {
  await warehouse.store([now(inA), now(inB)])
  const query = { ...count, dimensions: ['requests.workspace'] }
  const notices = async (limit: number) =>
    (await analytics.answer(everything, { ...query, limit })).notices
  expect(await notices(2)).toEqual([])
  expect(await notices(1)).toEqual(['Only the first 1 rows are shown.'])
})

test('changed rights change the answer, and the end of the rights ends the subscription', async () => {
  await warehouse.store([now(inA), now(inB)])
  const pushes: Push[] = []
  const subscription = analytics.subscribe('ann', { q: count }, (push) => pushes.push(push))
  await until(() => pushes.length === 1)
  rights = developer
  await until(() => pushes.length === 2)
  rights = undefined
  await subscription.ended
  expect(counts(pushes)).toEqual([2, 1, 'query.ended'])
})

test('rows leave a sliding range without new rows arriving', async () => {
  await warehouse.store([now(inA)])
  const pushes: Push[] = []
  const recent = {
    ...count,
    timeDimensions: [{ dimension: 'requests.time', dateRange: 'last 2 seconds' }],
  }
  const subscription = analytics.subscribe('ann', { q: recent }, (push) => pushes.push(push))
  await until(() => counts(pushes).at(-1) === 0)
  expect(counts(pushes)).toEqual([1, 0])
  subscription.close()
}, 10_000)

test.each([
  [null],
  [[]],
  [{}],
  [{ ['x'.repeat(101)]: count }],
  [Object.fromEntries(Array.from({ length: 41 }, (_, at_) => [`q${at_}`, count]))],
])('rejects %o as queries of a subscription', (queries) => {
  expect(() => analytics.subscribe('ann', queries, () => undefined)).toThrow(
    expect.objectContaining({ code: 'query.subscription', status: 400 }),
  )
})
