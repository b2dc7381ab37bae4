import { expect, test } from 'vitest'
import { startRedis } from '../harness/start-redis.ts'
import { openGateway } from '../harness/open-gateway.ts'
import type { SnapshotInput } from '../harness/build-snapshot.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'

async function gatewayWith(words: SnapshotInput, now?: { milliseconds: number }) {
  const { port } = await startUpstream()
  const clock = now === undefined ? {} : { clock: { now: () => now.milliseconds } }
  return openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: [{ name: 'all', paths: ['/'], service: 'echo' }],
      ...words,
    },
    clock,
  )
}

const alice = { alice: { keys: ['alice-key'], groups: ['buyers'] } }
const withKey = (key: string) => ({ headers: { apikey: key } })

test('returns Kong’s 401 when no key is sent, and records plugin and reason', async () => {
  const gateway = await gatewayWith({ plugins: [{ name: 'key-auth' }], consumers: alice })
  const response = await gateway.ask('/')
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toBe('Key')
  expect(await response.json()).toEqual({
    message: 'No API key found in request',
    request_id: response.headers.get('x-kong-request-id'),
  })
  expect((await gateway.ask('/', withKey('wrong'))).status).toBe(401)
  expect(
    gateway.events.map(({ outcome, denied_by, reason }) => [outcome, denied_by, reason]),
  ).toEqual([
    ['denied', 'key-auth', 'key-auth.no_key'],
    ['denied', 'key-auth', 'key-auth.unknown_key'],
  ])
})

test('authenticates by a key in a header or the query, and identifies the consumer to the service and in the event', async () => {
  const gateway = await gatewayWith({
    plugins: [{ name: 'key-auth' }],
    consumers: alice,
  })
  for (const response of [
    await gateway.ask('/?page=2', withKey('alice-key')),
    await gateway.ask('/?apikey=alice-key&page=2'),
  ]) {
    const { headers, url } = (await response.json()) as Echo
    expect(headers).toMatchObject({
      'x-consumer-username': 'alice',
      'x-consumer-id': 'alice',
      'x-credential-identifier': 'alice-alice-key',
    })
    expect([url, headers['apikey']]).toEqual(['/?page=2', undefined])
  }
  expect(gateway.events[1]).toMatchObject({
    consumer_name: 'alice',
    auth_method: 'key-auth',
    credential: 'alice-alice-key',
    query: 'apikey=REDACTED&page=2',
    consumer_groups: ['buyers'],
  })
})

test('a service receives the key of a caller only with hide_credentials: false', async () => {
  for (const hides of [undefined, false]) {
    const config = hides === undefined ? {} : { hide_credentials: hides }
    const gateway = await gatewayWith({ plugins: [{ name: 'key-auth', config }], consumers: alice })
    const { headers } = (await (await gateway.ask('/', withKey('alice-key'))).json()) as Echo
    expect(headers['apikey']).toBe(hides === false ? 'alice-key' : undefined)
    const inQuery = (await (await gateway.ask('/?apikey=alice-key')).json()) as Echo
    expect(inQuery.url).toBe(hides === false ? '/?apikey=alice-key' : '/')
  }
})

test('redacts a key with a custom name from the event', async () => {
  const gateway = await gatewayWith({
    plugins: [{ name: 'key-auth', config: { key_names: ['x-ticket'] } }],
    consumers: alice,
  })
  expect((await gateway.ask('/?x-ticket=alice-key')).status).toBe(200)
  expect(gateway.events[0]?.query).toBe('x-ticket=REDACTED')
})

test('requests without a key run as the anonymous consumer', async () => {
  const gateway = await gatewayWith({
    plugins: [{ name: 'key-auth', config: { anonymous: 'guest' } }],
    consumers: { guest: {} },
  })
  const { headers } = (await (await gateway.ask('/')).json()) as Echo
  expect(headers).toMatchObject({ 'x-consumer-username': 'guest', 'x-anonymous-consumer': 'true' })
})

test('acl allows and denies groups', async () => {
  const consumers = { ...alice, bob: { keys: ['bob-key'] } }
  const allow = await gatewayWith({
    plugins: [{ name: 'key-auth' }, { name: 'acl', config: { allow: ['buyers'] } }],
    consumers,
  })
  expect(
    await Promise.all(
      ['alice-key', 'bob-key'].map(async (key) => (await allow.ask('/', withKey(key))).status),
    ),
  ).toEqual([200, 403])
  const deny = await gatewayWith({
    plugins: [{ name: 'key-auth' }, { name: 'acl', config: { deny: ['buyers'] } }],
    consumers,
  })
  expect(
    await Promise.all(
      ['alice-key', 'bob-key'].map(async (key) => (await deny.ask('/', withKey(key))).status),
    ),
  ).toEqual([403, 200])
})

test('admits exactly the limit of concurrent requests, in every window', async () => {
  const now = { milliseconds: Date.UTC(2026, 0, 1, 12, 0, 10) }
  const gateway = await gatewayWith(
    { plugins: [{ name: 'rate-limiting', config: { minute: 7 } }] },
    now,
  )
  const burst = async () =>
    (await Promise.all(Array.from({ length: 30 }, () => gateway.ask('/'))))
      .map(({ status }) => status)
      .toSorted((a, b) => a - b)
  expect(await burst()).toEqual([...Array<number>(7).fill(200), ...Array<number>(23).fill(429)])
  const refused = await gateway.ask('/')
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    'retry-after': '50',
    'ratelimit-limit': '7',
    'ratelimit-remaining': '0',
    'ratelimit-reset': '50',
    'x-ratelimit-limit-minute': '7',
    'x-ratelimit-remaining-minute': '0',
  })
  expect(await refused.json()).toMatchObject({ message: 'API rate limit exceeded' })
  now.milliseconds += 50_000
  const next = await gateway.ask('/')
  expect([next.status, next.headers.get('x-ratelimit-remaining-minute')]).toEqual([200, '6'])
})

test('two nodes with the policy redis share a limit, which Redis counts', async (context) => {
  const { address } = await startRedis(context)
  const now = { milliseconds: Date.UTC(2026, 0, 1) }
  const config = { policy: 'redis', minute: 7, redis: address }
  const words = { plugins: [{ name: 'rate-limiting', config }] }
  const gateways = [await gatewayWith(words, now), await gatewayWith(words, now)]
  const asked = Array.from({ length: 30 }, async (_, index) => gateways[index % 2]?.ask('/'))
  const statuses = (await Promise.all(asked)).map((response) => response?.status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(7)
  expect(statuses.filter((status) => status === 429)).toHaveLength(23)
})

test('accepts settings that were stored before a rule forbade them', async () => {
  const gateway = await gatewayWith({
    plugins: [{ name: 'rate-limiting', config: { second: 10, minute: 2 } }],
  })
  const statuses: number[] = []
  for (let time = 0; time < 3; time += 1) statuses.push((await gateway.ask('/')).status)
  expect(statuses[0]).toBe(200)
  expect(statuses).not.toContain(500)
})

test('without Redis a request passes, or gets 500 where fault_tolerant is false', async () => {
  const redis = { host: '127.0.0.1', port: 1 }
  for (const [isTolerant, status] of [
    [true, 200],
    [false, 500],
  ] as const) {
    const config = { policy: 'redis', minute: 1, redis, fault_tolerant: isTolerant }
    const gateway = await gatewayWith({ plugins: [{ name: 'rate-limiting', config }] })
    for (let time = 0; time < 2; time += 1) expect((await gateway.ask('/')).status).toBe(status)
  }
})

test('a refused request counts in no window', async () => {
  const now = { milliseconds: Date.UTC(2026, 0, 1) }
  const gateway = await gatewayWith(
    { plugins: [{ name: 'rate-limiting', config: { second: 1, hour: 3 } }] },
    now,
  )
  const statuses: number[] = []
  for (let second = 0; second < 4; second += 1) {
    for (let time = 0; time < 3; time += 1) statuses.push((await gateway.ask('/')).status)
    now.milliseconds += 1000
  }
  expect(statuses).toEqual([200, 429, 429, 200, 429, 429, 200, 429, 429, 429, 429, 429])
})

test('limits each consumer by itself, by the most specific plugin', async () => {
  const consumers = { ...alice, bob: { keys: ['bob-key'] }, vip: { keys: ['vip-key'] } }
  const gateway = await gatewayWith({
    consumers,
    plugins: [
      { name: 'key-auth' },
      { name: 'rate-limiting', config: { hour: 1 } },
      { name: 'rate-limiting', config: { hour: 3 }, consumer: 'vip' },
    ],
  })
  const count = async (key: string) =>
    (await Promise.all(Array.from({ length: 5 }, () => gateway.ask('/', withKey(key))))).filter(
      ({ status }) => status === 200,
    ).length
  expect([await count('alice-key'), await count('bob-key'), await count('vip-key')]).toEqual([
    1, 1, 3,
  ])
})

test('generates a correlation id unless there is one, and echoes it if configured', async () => {
  const gateway = await gatewayWith({
    plugins: [
      {
        name: 'correlation-id',
        config: { header_name: 'X-Trace', generator: 'uuid', echo_downstream: true },
      },
    ],
  })
  const given = await gateway.ask('/', { headers: { 'x-trace': 'mine' } })
  expect([given.headers.get('x-trace'), ((await given.json()) as Echo).headers['x-trace']]).toEqual(
    ['mine', 'mine'],
  )
  const made = await gateway.ask('/')
  expect(made.headers.get('x-trace')).toMatch(/^[0-9a-f-]{36}$/)
  expect(((await made.json()) as Echo).headers['x-trace']).toBe(made.headers.get('x-trace'))
})

test('request-termination answers with its status and body, and an error status is recorded as denied', async () => {
  const gateway = await gatewayWith({
    plugins: [
      {
        name: 'request-termination',
        config: {
          status_code: 418,
          body: '<h1>tea</h1>',
          content_type: 'text/html',
          trigger: 'x-tea',
        },
      },
    ],
  })
  expect((await gateway.ask('/')).status).toBe(200)
  const response = await gateway.ask('/?x-tea=1')
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    418,
    'text/html',
    '<h1>tea</h1>',
  ])
  expect(gateway.events[1]).toMatchObject({
    outcome: 'denied',
    denied_by: 'request-termination',
    reason: 'request-termination.ended',
    upstream_status: 0,
  })
})

test('a consumer group has its own limit, and counts as an ACL group if configured', async () => {
  const now = { milliseconds: 1_800_000_000_000 }
  const gateway = await gatewayWith(
    {
      plugins: [
        { name: 'key-auth' },
        { name: 'rate-limiting', config: { minute: 1 } },
        { name: 'rate-limiting', consumer_group: 'gold', config: { minute: 3 } },
        { name: 'acl', config: { allow: ['gold', 'buyers'], include_consumer_groups: true } },
      ],
      consumers: {
        ann: { keys: ['ann-key'], consumerGroups: ['gold'] },
        bob: { keys: ['bob-key'], groups: ['buyers'] },
        eve: { keys: ['eve-key'] },
      },
    },
    now,
  )
  const statuses = async (key: string, times: number) => {
    const found: number[] = []
    for (let time = 0; time < times; time += 1)
      found.push((await gateway.ask('/', withKey(key))).status)
    return found
  }
  expect(await statuses('ann-key', 4)).toEqual([200, 200, 200, 429])
  expect(await statuses('bob-key', 2)).toEqual([200, 429])
  expect(await statuses('eve-key', 1)).toEqual([403])
  const recorded = gateway.events.map((event) => [event.consumer_name, event.consumer_groups])
  expect(Object.fromEntries(recorded)).toEqual({ ann: ['gold'], bob: ['buyers'], eve: [] })
})

test('a key that a client presents is in no event, wherever else it sends it', async () => {
  const gateway = await gatewayWith({ plugins: [{ name: 'key-auth' }], consumers: alice })
  const encode = (text: string): string =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('')
  for (const key of ['alice-key', 'unknown-key-of-eve']) {
    const headers = { apikey: key, 'user-agent': `curl ${key}`, cookie: `k=${key}`, 'x-own': key }
    const paths = [
      `/${key}/x`,
      `/a?x=${key}`,
      `/a;v=${key}`,
      `/?a=1%26b=${key}`,
      `/${encode(key)}?q=${encode(key)}`,
    ]
    for (const path of paths)
      await gateway.ask(path, { method: 'POST', headers, body: `key=${key}` })
  }
  // The id of a credential, which the fixture makes of its key, is no secret.
  const events = JSON.stringify(gateway.events.map((event) => ({ ...event, credential: '' })))
  expect(gateway.events).toHaveLength(10)
  expect(events).not.toContain('alice-key')
  expect(events).not.toContain('unknown-key')
  expect(events).not.toContain(encode('key'))
})
