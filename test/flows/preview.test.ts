import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { catalog } from '../../src/plugins/catalog.ts'
import { previewChange } from '../../src/preview/preview-change.ts'
import type { Event } from '../../src/schema/event.ts'
import type { PreviewReport } from '../../src/schema/preview.ts'
import { buildTestSnapshot, type SnapshotInput } from '../harness/build-snapshot.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { openTestWarehouse } from '../harness/open-test-warehouse.ts'
import { buildTestRights } from '../harness/build-test-rights.ts'
import { until } from '../harness/until.ts'

const minute = 60_000
const home = { id: '00000000-0000-4000-8000-00000000000a', name: 'test' }
const names = {
  ...buildTestSnapshot({
    services: [
      { name: 'orders', host: 'h' },
      { name: 'search', host: 'h' },
    ],
  }),
  workspaces: [home],
}
const defaultHome = { id: '0dc6f45b-8f8d-40d2-a504-473544ee190b', name: 'default' }
const everythingRights = buildTestRights(defaultHome, ['+* *'], names)

async function startService(): Promise<number> {
  const server = createServer((_request, response) => response.end('fine'))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const consumers = {
  alice: { keys: ['key-of-alice'], groups: ['staff'] },
  bob: { keys: ['key-of-bob'], groups: ['guests'] },
}

function present(port: number): SnapshotInput {
  return {
    services: [
      { name: 'orders', host: '127.0.0.1', port },
      { name: 'search', host: '127.0.0.1', port },
    ],
    routes: [
      { name: 'orders', service: 'orders', paths: ['/orders'] },
      { name: 'search', service: 'search', paths: ['/search'] },
      { name: 'numbers', service: 'orders', paths: ['~/orders/\\d+$'] },
    ],
    plugins: [
      { name: 'key-auth', service: 'orders' },
      { name: 'rate-limiting', service: 'search', config: { hour: 1000 } },
    ],
    consumers,
  }
}

const requests = [
  '/orders',
  '/orders/17',
  '/orders/17/lines',
  '/search',
  '/search/a',
  '/nowhere',
].flatMap((path) => ['', 'key-of-alice', 'key-of-bob', 'wrong'].map((key) => ({ path, key })))

/** Sends every request `times` times; returns the route that answered or the denial. */
async function replayFor(gateway: Awaited<ReturnType<typeof openGateway>>, times: number) {
  gateway.events.length = 0
  for (const { path, key } of requests) {
    for (let round = 0; round < times; round += 1) {
      await gateway.ask(path, key === '' ? {} : { headers: { apikey: key } })
    }
  }
  await until('every event', () => gateway.events.length === requests.length * times)
  return [...gateway.events]
}

const refused = (event: Event | undefined): boolean =>
  event?.outcome === 'denied' || event?.reason === 'route.none'

/** The differences between both runs of the gateway. */
function reality(before: readonly Event[], after: readonly Event[]) {
  const sums = { refused: 0, admitted: 0, rerouted: 0 }
  for (const [index, was] of before.entries()) {
    const is = after[index]
    if (refused(was) !== refused(is)) sums[refused(is) ? 'refused' : 'admitted'] += 1
    else if (!refused(was) && was.route !== is?.route) sums.rerouted += 1
  }
  return sums
}

const sumOf = ({ changes }: PreviewReport, ...kinds: string[]): number =>
  changes.filter(({ kind }) => kinds.includes(kind)).reduce((sum, one) => sum + one.requests, 0)

const ending = { name: 'ends', service: 'search', expression: 'http.path =^ "/lines"' }
const variants: readonly (readonly [string, (words: SnapshotInput) => SnapshotInput])[] = [
  ['nothing', (words) => words],
  [
    'a group that may not',
    (words) => ({
      ...words,
      plugins: [
        ...(words.plugins ?? []),
        { name: 'acl', route: 'orders', config: { deny: ['guests'] } },
      ],
    }),
  ],
  ['no authentication', (words) => ({ ...words, plugins: [] })],
  [
    'authentication for one route only',
    (words) => ({ ...words, plugins: [{ name: 'key-auth', route: 'numbers' }] }),
  ],
  [
    'a consumer without a key',
    (words) => ({ ...words, consumers: { ...consumers, bob: { groups: ['guests'] } } }),
  ],
  [
    'an expression that sees whole paths',
    (words) => ({ ...words, routes: [...(words.routes ?? []), ending] }),
  ],
  ['a route less', (words) => ({ ...words, routes: words.routes?.slice(0, 1) ?? [] })],
  [
    'a route more',
    (words) => ({
      ...words,
      routes: [...(words.routes ?? []), { name: 'all', service: 'search', paths: ['/'] }],
    }),
  ],
  [
    'a longer path',
    (words) => ({
      ...words,
      routes: [
        ...(words.routes ?? []),
        { name: 'lines', service: 'search', paths: ['~/orders/\\d+/lines'] },
      ],
    }),
  ],
  [
    'another method',
    (words) => ({
      ...words,
      routes: words.routes?.map((route) => ({ ...route, methods: ['POST'] })) ?? [],
    }),
  ],
  [
    'an end',
    (words) => ({
      ...words,
      plugins: [
        ...(words.plugins ?? []),
        { name: 'request-termination', route: 'search', config: { status_code: 410 } },
      ],
    }),
  ],
]

test('a preview predicts what the gateway then does', { timeout: 180_000 }, async () => {
  const port = await startService()
  const words = present(port)
  const gateway = await openGateway(words)
  const before = await replayFor(gateway, 2)
  const warehouse = await openTestWarehouse()
  onTestFinished(() => warehouse.close())
  await warehouse.store(before)
  const times = before.map(({ time }) => Number(time) * 1000)
  for (const [name, vary] of variants) {
    const report = await previewChange(
      { warehouse, catalog },
      {
        rights: everythingRights,
        present: buildTestSnapshot(words),
        proposed: buildTestSnapshot(vary(words)),
        from: Math.min(...times) - minute,
        to: Math.max(...times) + minute,
      },
    )
    gateway.reconfigure(vary(words))
    const real = reality(before, await replayFor(gateway, 2))
    gateway.reconfigure(words)
    const predicted = {
      refused: sumOf(report, 'refused'),
      admitted: sumOf(report, 'admitted'),
      rerouted: sumOf(report, 'rerouted'),
    }
    expect({ [name]: predicted }).toEqual({ [name]: real })
    expect(report).toMatchObject({
      requests: before.length,
      judged: before.length,
      agreeing: before.length,
      gaps: [],
    })
  }
})

/** Past requests at a fixed interval, so that windows are known. */
const traffic = (count: number, given: (index: number) => Partial<Event>): Partial<Event>[] =>
  Array.from({ length: count }, (_, index) => ({
    request_id: `019aa000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    workspace: '00000000-0000-4000-8000-00000000000a',
    workspace_name: 'test',
    service: 'search',
    service_name: 'search',
    route: 'search',
    route_name: 'search',
    path: '/search/things',
    ...given(index),
  }))

const at = 1_763_700_000
const window = { from: (at - 10) * 1000, to: (at + 100_000) * 1000 }

async function previewOf(
  events: readonly Partial<Event>[],
  [before, after]: readonly [SnapshotInput, SnapshotInput],
  rights = everythingRights,
): Promise<PreviewReport> {
  const warehouse = await openTestWarehouse()
  try {
    await warehouse.store(events)
    return await previewChange(
      { warehouse, catalog },
      { rights, present: buildTestSnapshot(before), proposed: buildTestSnapshot(after), ...window },
    )
  } finally {
    await warehouse.close()
  }
}

test('reports requests that the gateway would answer itself, and no longer would', async () => {
  const words = present(80)
  const toHttps = { protocols: ['https'], https_redirect_status_code: 301 } as const
  const search = { name: 'search', service: 'search', paths: ['/search'] }
  const plain: SnapshotInput = { ...words, routes: [search], plugins: [] }
  const redirecting: SnapshotInput = { ...plain, routes: [{ ...search, ...toHttps }] }
  const page: SnapshotInput = {
    ...plain,
    plugins: [{ name: 'request-termination', config: { status_code: 200, body: 'closed' } }],
  }
  const events = traffic(3, (index) => ({ time: `${at + index}.000000` }))
  const redirected = events.map((event) => ({ ...event, status: 301, outcome: 'denied' as const }))
  const kinds = async (...given: Parameters<typeof previewOf>) => {
    const { changes, judged, agreeing } = await previewOf(...given)
    return [judged, agreeing, ...changes.map(({ kind, by, status }) => [kind, by, status])]
  }
  expect(await kinds(events, [plain, redirecting])).toEqual([3, 3, ['answered', 'route', 301]])
  expect(await kinds(events, [plain, page])).toEqual([
    3,
    3,
    ['answered', 'request-termination', 200],
  ])
  // Events of earlier versions recorded redirects as denied; they still count as agreeing.
  expect(await kinds(redirected, [redirecting, plain])).toEqual([3, 3, ['forwarded', 'route', 301]])
})

test('a lower rate limit denies exactly the excess in each window, by consumer', async () => {
  const words = present(80)
  const of = (minuteLimit: number): SnapshotInput => ({
    ...words,
    plugins: [
      { name: 'key-auth', service: 'search' },
      {
        name: 'rate-limiting',
        service: 'search',
        config: { minute: minuteLimit, limit_by: 'consumer' },
      },
    ],
  })
  // Three complete minutes: alice has 10, 20 and 5 requests, bob 3 in each.
  const seconds = [...Array(10).fill(0), ...Array(20).fill(60), ...Array(5).fill(120)] as number[]
  const base = at - (at % 60)
  const alice = {
    consumer: 'alice',
    consumer_name: 'alice',
    auth_method: 'key-auth',
    credential: 'alice-key-of-alice',
  }
  const bob = {
    consumer: 'bob',
    consumer_name: 'bob',
    auth_method: 'key-auth',
    credential: 'bob-key-of-bob',
  }
  const events = [
    ...traffic(35, (index) => ({
      ...alice,
      time: `${base + (seconds[index] ?? 0)}.${String(100_000 + index)}`,
    })),
    ...traffic(9, (index) => ({ ...bob, time: `${base + 60 * (index % 3)}.000001` })),
  ]
  const report = await previewOf(events, [of(100), of(8)])
  expect(report.changes).toMatchObject([
    { kind: 'limited', consumer: 'alice', requests: 2 + 12, status: 429, to: { route: 'search' } },
  ])
  const back = await previewOf(events, [of(8), of(100)])
  expect(back.changes).toMatchObject([{ kind: 'unlimited', consumer: 'alice', requests: 14 }])
})

test('rate limits by address count each address separately', async () => {
  const words = present(80)
  const of = (limit: number): SnapshotInput => ({
    ...words,
    plugins: [
      { name: 'rate-limiting', service: 'search', config: { minute: limit, limit_by: 'ip' } },
    ],
  })
  const events = traffic(30, (index) => ({
    time: `${at - (at % 60)}.${String(100_000 + index)}`,
    client_address: index < 20 ? '10.0.0.1' : '10.0.0.2',
  }))
  expect((await previewOf(events, [of(100), of(12)])).changes).toMatchObject([
    { kind: 'limited', requests: 8 },
  ])
})

test('outcomes that depend on headers are unknown, unless the recorded route settles them', async () => {
  const words = present(80)
  const routes = words.routes ?? []
  const beta = {
    name: 'beta',
    service: 'search',
    paths: ['/search'],
    headers: { 'x-beta': ['yes'] },
  }
  const events = [
    ...traffic(5, () => ({ time: `${at}.000001` })),
    ...traffic(2, () => ({
      time: `${at}.000002`,
      route: 'beta',
      service: 'orders',
      service_name: 'orders',
    })),
  ]
  const added = await previewOf(events.slice(0, 5), [
    words,
    { ...words, routes: [...routes, beta] },
  ])
  expect(added.gaps).toMatchObject([{ requests: 5 }])
  const removed = await previewOf(events, [{ ...words, routes: [...routes, beta] }, words])
  expect(removed.changes).toMatchObject([
    { kind: 'rerouted', requests: 2, from: { route: 'beta' }, to: { route: 'search' } },
  ])
  const other = { ...beta, name: 'gamma' }
  const gap = await previewOf(events.slice(5), [
    { ...words, routes: [...routes, beta] },
    { ...words, routes: [...routes, other] },
  ])
  expect(gap.gaps).toEqual([
    { why: 'the route depends on request headers, which are not recorded', requests: 2 },
  ])
})

test('a denial is uncertain when a key may have been sent without being required', async () => {
  const words = { ...present(80), plugins: [] }
  const report = await previewOf(
    traffic(4, () => ({ time: `${at}.000001` })),
    [words, { ...words, plugins: [{ name: 'key-auth', service: 'search' }] }],
  )
  expect(report.changes).toMatchObject([
    {
      kind: 'refused',
      by: 'key-auth',
      reason: 'key-auth.no_key',
      status: 401,
      sure: false,
      requests: 4,
    },
  ])
})

test('a preview does not reveal requests or callers that the principal does not see', async () => {
  const words = present(80)
  const known = {
    consumer: 'alice',
    consumer_name: 'alice',
    auth_method: 'key-auth',
    credential: 'alice-key-of-alice',
  }
  const events = [
    ...traffic(3, () => ({ time: `${at}.000001`, ...known })),
    ...traffic(4, () => ({
      time: `${at}.000001`,
      service: 'orders',
      service_name: 'orders',
      route: 'orders',
      path: '/orders',
    })),
  ]
  const rights = buildTestRights(home, ['+test /services/search read'], names)
  const report = await previewOf(events, [words, { ...words, routes: [] }], rights)
  expect(report).toMatchObject({
    requests: 3,
    judged: 0,
    changes: [],
    gaps: [{ why: 'you do not have access to the caller', requests: 3 }],
  })
  expect(JSON.stringify(report)).not.toContain('alice')
})
