import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recordingPrivacy } from '../../src/plugins/recording-privacy.ts'
import type { PluginTools, PluginUse } from '../../src/proxy/plugin.ts'
import type { Event } from '../../src/schema/event.ts'
import { buildExchange } from '../harness/build-target.ts'
import { buildEvent } from '../harness/build-event.ts'
import { toEvent, toRecord } from '../harness/event-record.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const key = 'a-key-of-sixteen-or-more'

function prepare(config: object, now = { time: 0 }, workspace = 'w'): PluginUse {
  const tools = { workspace, clock: { now: () => now.time } } as unknown as PluginTools
  return recordingPrivacy.prepare(recordingPrivacy.settings.parse(config), tools)
}

function record(use: PluginUse, fields: Partial<Event>): Event {
  const event = toRecord(buildEvent(fields))
  return toEvent(use.onRecord?.(buildExchange(), event) ?? event)
}

test('the address of a client is in no recorded event, unless it is kept', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !/(?:\.0|::|:0)$/.test(text))
  const mode = fc.constantFrom('truncate', 'hash', 'remove')
  fc.assert(
    fc.property(address, mode, (text, client_address) => {
      const recorded = record(prepare({ client_address, hash_key: key }), { client_address: text })
      expect(JSON.stringify(recorded)).not.toContain(text)
    }),
  )
  const kept = record(prepare({ client_address: 'keep' }), { client_address: '203.0.113.77' })
  expect(kept.client_address).toBe('203.0.113.77')
})

test('a hash is the same within a period, and different in the next, with another key and in another workspace', () => {
  const now = { time: 0 }
  const config = {
    client_address: 'hash',
    user_agent: 'hash',
    hash_key: key,
    hash_rotation_hours: 2,
  }
  const hash = (use: PluginUse) => {
    const { client_address: address, user_agent: agent } = record(use, {
      client_address: '203.0.113.77',
      user_agent: 'curl',
    })
    return [address, agent].join()
  }
  const use = prepare(config, now)
  const first = hash(use)
  now.time = 2 * 3_600_000 - 1
  expect([hash(use), hash(prepare(config, now))]).toEqual([first, first])
  now.time = 2 * 3_600_000
  const others = [
    hash(use),
    hash(prepare({ ...config, hash_key: `${key}2` }, { time: 0 })),
    hash(prepare(config, { time: 0 }, 'another')),
  ]
  expect(new Set([first, ...others]).size).toBe(4)
  expect(first).toMatch(/^[\w-]{22},[\w-]{22}$/)
})

test.each([
  ['mask_ids', '/users/42/orders/7d9f1c3e-0b1a-4c55-9c3e-1b2a3c4d5e6f', '/users/:id/orders/:id'],
  ['mask_ids', '/users/ann%40example.com/v1', '/users/:id/v1'],
  ['mask_ids', '/reset/Zm9vYmFyYmF6cXV4MTIz', '/reset/:id'],
  ['route', '/users/42', '/users'],
] as const)('records the path by %s: %s', (path, sent, expected) => {
  expect(record(prepare({ path }), { path: sent, route_path: '/users' }).path).toBe(expected)
})

test.each([
  [{ query: 'remove' }, 'a=1', ''],
  [
    { redacted_query_parameters: ['Name'] },
    'a=1&name=ann&name[]=bob&%6eame=eve',
    'a=1&name=REDACTED&name[]=REDACTED&%6eame=REDACTED',
  ],
  [
    { kept_query_parameters: ['page'] },
    'page=1&q=ann;x=2&flag',
    'page=1&q=REDACTED&x=REDACTED&flag=REDACTED',
  ],
  [{ redacted_query_parameters: ['name'] }, 'a=1%26name%3Dann', 'REDACTED'],
  [{ kept_query_parameters: ['a'], redacted_query_parameters: ['a'] }, 'a=1', 'a=REDACTED'],
] as const)('records the query by %j: %s', (config, sent, expected) => {
  expect(record(prepare(config), { query: sent }).query).toBe(expected)
})

test('is applied to refused requests and to exports, and by the most specific scope', async () => {
  const lines: string[] = []
  const collector = await startUpstream(async (request, response) => {
    for await (const part of request as AsyncIterable<Buffer>) lines.push(part.toString())
    response.end()
  })
  const upstream = await startUpstream()
  const strict = { client_address: 'remove', user_agent: 'remove', path: 'route', query: 'remove' }
  const gateway = await openGateway({
    services: [{ name: 'echo', host: '127.0.0.1', port: upstream.port }],
    routes: [
      { name: 'strict', paths: ['/strict'], service: 'echo' },
      { name: 'locked', paths: ['/locked'], service: 'echo' },
      { name: 'open', paths: ['/open'], service: 'echo' },
    ],
    plugins: [
      { name: 'recording-privacy', config: strict },
      { name: 'recording-privacy', route: 'open', config: { client_address: 'keep' } },
      { name: 'key-auth', route: 'locked' },
      {
        name: 'http-log',
        config: {
          http_endpoint: `http://127.0.0.1:${collector.port}/`,
          queue: { max_batch_size: 1 },
        },
      },
    ],
  })
  const headers = {
    'user-agent': 'PRIVATE-AGENT',
    'x-forwarded-for': '127.0.0.1',
    referer: 'http://h/PRIVATE-PATH',
  }
  for (const path of ['strict', 'locked', 'open'])
    await gateway.ask(`/${path}/PRIVATE-PATH?q=PRIVATE-QUERY`, { headers })
  expect(gateway.events.map(({ path, query, status }) => [path, query, status])).toEqual([
    ['/strict', '', 200],
    ['/locked', '', 401],
    ['/open/PRIVATE-PATH', 'q=PRIVATE-QUERY', 200],
  ])
  expect(gateway.events.map(({ client_address: address }) => address)).toEqual([
    '',
    '',
    '127.0.0.1',
  ])
  await until('all entries', () => lines.length === 3)
  const strictLines = lines.slice(0, 2)
  for (const line of strictLines) {
    expect(line).not.toMatch(/PRIVATE/)
    const { client_ip: address, request } = JSON.parse(line) as {
      client_ip: string
      request: { headers: Record<string, string> }
    }
    expect([address, request.headers['x-forwarded-for']]).toEqual(['', 'REDACTED'])
  }
})

test('an event whose rules fail has no personal data', async () => {
  const upstream = await startUpstream()
  const broken = {
    ...recordingPrivacy,
    prepare: () => ({
      onRecord() {
        throw new Error('planted')
      },
    }),
  }
  const gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port: upstream.port }],
      routes: [{ name: 'all', paths: ['/'], service: 'echo' }],
      plugins: [{ name: 'recording-privacy' }],
    },
    { catalog: [broken] },
  )
  expect((await gateway.ask('/secret?x=1')).status).toBe(200)
  expect(gateway.events[0]).toMatchObject({
    path: '',
    query: '',
    client_address: '',
    reason: 'internal',
  })
})
