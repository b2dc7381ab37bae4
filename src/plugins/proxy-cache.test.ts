import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../../test/harness/open-gateway.ts'
import { startUpstream } from '../../test/harness/start-upstream.ts'
import { until } from '../../test/harness/until.ts'
import { complaintOf } from '../../test/harness/use-plugin.ts'
import { proxyCache } from './proxy-cache.ts'

const memory = { strategy: 'memory' }

/** The plugins of each route. */
const plugins: Readonly<Record<string, readonly { name: string; config?: object }[]>> = {
  plain: [{ name: 'proxy-cache', config: memory }],
  controlled: [
    { name: 'proxy-cache', config: { ...memory, cache_control: true, storage_ttl: 1000 } },
  ],
  posts: [
    {
      name: 'proxy-cache',
      config: {
        ...memory,
        request_method: ['POST'],
        ignore_uri_case: true,
        vary_query_params: ['page'],
        vary_headers: ['X-Tenant', 'Authorization'],
        content_type: ['*/json', 'text/*; charset=utf-8'],
        response_headers: { age: false, 'X-Cache-Status': true, 'X-Cache-Key': false },
      },
    },
  ],
  people: [{ name: 'key-auth' }, { name: 'proxy-cache', config: memory }],
  changed: [
    { name: 'proxy-cache', config: memory },
    { name: 'cors', config: { origins: ['*'] } },
    {
      name: 'response-transformer',
      config: { append: { headers: ['X-Once:1'] }, add: { json: ['more:1'] } },
    },
  ],
}

let gateway: TestGateway
let now = Date.now()
let asked = 0
let respond = (_: IncomingMessage, response: ServerResponse): unknown => response.end()
const stops: (() => unknown)[] = []

beforeAll(async () => {
  const { port } = await startUpstream(
    (request, response) => {
      asked += 1
      return respond(request, response)
    },
    (stop) => stops.push(stop),
  )
  gateway = await openGateway(
    {
      services: [{ name: 'one', host: '127.0.0.1', port }],
      routes: Object.keys(plugins).map((name) => ({ name, paths: [`/${name}`], service: 'one' })),
      plugins: Object.entries(plugins).flatMap(([route, list]) =>
        list.map((plugin) => ({ ...plugin, route })),
      ),
      consumers: { ann: { keys: ['key-of-ann'] }, ben: { keys: ['key-of-ben'] } },
    },
    { clock: { now: () => now }, onFinished: (stop) => stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

let path = ''
beforeEach(({ task }) => {
  path = encodeURIComponent(task.id)
})

/** Sends a response that differs every time. */
const counting =
  (headers: Readonly<Record<string, string>> = {}, status = 200) =>
  (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(`${asked}`)

/** Cache status, and whether the response equals the previous one. */
async function ask(route: string, init: RequestInit = {}, query = '') {
  const response = await gateway.ask(`/${route}/${path}${query}`, init)
  const text = await response.text()
  return { response, text, status: response.headers.get('x-cache-status') }
}

const statuses = async (route: string, inits: readonly RequestInit[]): Promise<unknown[]> => {
  const found: unknown[] = []
  for (const init of inits) found.push((await ask(route, init)).status)
  return found
}

test('answers with the stored response until it is no longer fresh, each recorded as an event', async () => {
  respond = counting({ 'x-own': 'yes', age: '5' })
  const first = await ask('plain')
  now += 299_000
  const second = await ask('plain')
  expect([first.status, second.status, second.text]).toEqual(['Miss', 'Hit', first.text])
  expect(Object.fromEntries(second.response.headers)).toMatchObject({
    age: '299',
    'x-own': 'yes',
    'x-cache-key': first.response.headers.get('x-cache-key'),
    'content-length': String(first.text.length),
  })
  expect(gateway.events.at(-1)).toMatchObject({
    outcome: 'allowed',
    status: 200,
    tries: 0,
    upstream_status: 0,
    response_bytes: first.text.length,
  })
  now += 2_000
  const third = await ask('plain')
  expect([third.status, third.text === first.text]).toEqual(['Miss', false])
})

test('a stored response to HEAD names the length of the body', async () => {
  respond = (_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 12 }).end()
  const head = { method: 'HEAD' }
  await ask('plain', head)
  const { status, response } = await ask('plain', head)
  expect([status, response.headers.get('content-length')]).toEqual(['Hit', '12'])
})

test('every consumer has responses of its own', async () => {
  respond = counting()
  const by = (apikey: string) => ({ headers: { apikey } })
  const [ann, ben] = [by('key-of-ann'), by('key-of-ben')]
  expect(await statuses('people', [ann, ann, ben, ben])).toEqual(['Miss', 'Hit', 'Miss', 'Hit'])
  expect(gateway.events.at(-1)).toMatchObject({ consumer_name: 'ben', tries: 0 })
})

test('no response to unverified credentials is shared, nor one with a cookie, a part or Vary: *', async () => {
  respond = counting()
  const by = { headers: { authorization: 'Bearer one' } }
  expect(await statuses('plain', [by, by, {}, {}])).toEqual(['Bypass', 'Bypass', 'Miss', 'Hit'])
  for (const headers of [
    { 'set-cookie': 'a=1' },
    { vary: 'a, *' },
    { 'content-type': 'image/png' },
  ]) {
    path += 'x'
    respond = counting(headers)
    expect(await statuses('plain', [{}, {}])).toEqual(['Bypass', 'Bypass'])
  }
  path += 'y'
  respond = counting({}, 500)
  expect(await statuses('plain', [{}, {}])).toEqual(['Bypass', 'Bypass'])
})

test('a response answers only requests with the fields that Vary names', async () => {
  respond = counting({ vary: 'Accept-Language' })
  const [cs, en] = ['cs', 'en'].map((language) => ({ headers: { 'accept-language': language } }))
  expect(await statuses('plain', [cs!, en!, cs!, en!])).toEqual(['Miss', 'Miss', 'Hit', 'Hit'])
})

test('hosts, paths and queries have responses of their own, in any order of the parameters', async () => {
  respond = counting()
  const status = async (query: string) => (await ask('plain', {}, query)).status
  expect(await status('?a=1&b=2&b=3')).toBe('Miss')
  expect(await status('?b=2&a=1&b=3')).toBe('Hit')
  expect(await status('?b=3&a=1&b=2')).toBe('Miss')
  expect(await status('?a=1')).toBe('Miss')
  expect(await status('')).toBe('Miss')
})

test('methods, bodies, parameters and headers of the settings are parts of the key', async () => {
  respond = counting({ 'content-type': 'application/json; charset=utf-8' })
  const post = (body: string, headers = {}) => ({ method: 'POST', body, headers })
  expect(await statuses('posts', [post('a')])).toEqual(['Bypass'])
  respond = counting({ 'content-type': 'text/html;charset="utf-8"' })
  const [a, b] = [post('a'), post('b')]
  expect(await statuses('posts', [a, a, b, { method: 'GET' }])).toEqual([
    'Miss',
    'Hit',
    'Miss',
    'Bypass',
  ])
  expect((await ask('posts', a, '?other=1')).status).toBe('Hit')
  expect((await ask('posts', a, '?page=1')).status).toBe('Miss')
  const upper = await gateway.ask(`/posts/${path.toUpperCase()}`, a)
  expect([upper.headers.get('x-cache-status'), upper.headers.has('age')]).toEqual(['Hit', false])
  const [one, two] = ['1', '2'].map((id) => post('a', { 'x-tenant': id, authorization: id }))
  expect(await statuses('posts', [one!, one!, two!, two!])).toEqual(['Miss', 'Hit', 'Miss', 'Hit'])
  expect((await ask('posts', post('x'.repeat(70_000)))).status).toBe('Bypass')
})

test('respects Cache-Control of responses', async () => {
  const cases: [Record<string, string>, string][] = [
    [{}, 'Bypass'],
    [{ 'cache-control': 'max-age=10' }, 'Hit'],
    [{ 'cache-control': 'max-age=10', age: '10' }, 'Bypass'],
    [{ 'cache-control': 'max-age=10, private' }, 'Bypass'],
    [{ 'cache-control': 'No-Store, max-age=10' }, 'Bypass'],
    [{ 'cache-control': 'max-age=10, s-maxage=0' }, 'Bypass'],
    [{ 'cache-control': 'max-age=ten' }, 'Bypass'],
    [{ expires: new Date(now + 60_000).toUTCString(), date: new Date(now).toUTCString() }, 'Hit'],
    [{ expires: '0' }, 'Bypass'],
  ]
  for (const [headers, status] of cases) {
    path += 'x'
    respond = counting(headers)
    await ask('controlled')
    expect([headers, (await ask('controlled')).status]).toEqual([headers, status])
  }
})

test('respects Cache-Control of requests', async () => {
  const cc = (value: string) => ({ headers: { 'cache-control': value } })
  expect((await ask('controlled', cc('only-if-cached'))).response.status).toBe(504)
  respond = counting({ 'cache-control': 'max-age=100' })
  expect(await statuses('controlled', [cc('no-cache'), cc('no-store'), {}])).toEqual([
    'Bypass',
    'Bypass',
    'Miss',
  ])
  now += 50_000
  const asks = [cc('max-age=49'), {}, cc('min-fresh=101'), cc('max-age=50')]
  expect(await statuses('controlled', asks)).toEqual(['Refresh', 'Hit', 'Refresh', 'Hit'])
  now += 110_000
  expect(
    await statuses('controlled', [cc('max-stale=10'), cc('max-stale=9, min-fresh=0')]),
  ).toEqual(['Hit', 'Refresh'])
  path += 'x'
  respond = counting({ 'cache-control': 'max-age=100, must-revalidate' })
  await ask('controlled')
  now += 101_000
  expect(await statuses('controlled', [cc('max-stale')])).toEqual(['Refresh'])
})

test('an unsafe request that succeeds removes the response of its path', async () => {
  respond = counting({ 'cache-control': 'max-age=100' })
  expect(await statuses('controlled', [{}, {}, { method: 'PUT' }, {}])).toEqual([
    'Miss',
    'Hit',
    'Bypass',
    'Miss',
  ])
})

test('answers 304 to a client that has the stored response', async () => {
  respond = counting({ etag: '"v1"', 'last-modified': new Date(now).toUTCString() })
  await ask('plain')
  const conditions = [
    [{ 'if-none-match': '"v0", W/"v1"' }, 304],
    [{ 'if-none-match': '"v0"' }, 200],
    [{ 'if-modified-since': new Date(now + 5000).toUTCString() }, 304],
    [{ 'if-modified-since': new Date(now - 5000).toUTCString() }, 200],
  ] as const
  for (const [headers, status] of conditions)
    expect((await ask('plain', { headers })).response.status).toBe(status)
})

test('other plugins change a stored response as they change a new one', async () => {
  respond = (_, response) =>
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'access-control-allow-origin': 'https://x',
      })
      .end('{}')
  const [miss, hit] = [await ask('changed'), await ask('changed')]
  expect([miss.status, hit.status, hit.text]).toEqual(['Miss', 'Hit', '{"more":"1"}'])
  for (const { response, text } of [miss, hit]) {
    expect([response.headers.get('x-once'), text]).toEqual(['1', '{"more":"1"}'])
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  }
})

test('stores no response that breaks off or is larger than a 16th of the memory', async () => {
  respond = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 100 }).write('x')
    setImmediate(() => request.socket.destroy())
  }
  await ask('plain').catch(() => undefined)
  respond = (_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(70_000))
  expect(await statuses('plain', [{}, {}])).toEqual(['Miss', 'Miss'])
})

test('keeps within its memory, and removes the least recently used response first', async () => {
  respond = (_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(60_000))
  const status = async (query: number) => (await ask('plain', {}, `?${query}`)).status
  for (let query = 0; query < 25; query += 1) {
    await status(query)
    expect(await status(0)).toBe('Hit')
  }
  expect(gateway.caches.bytes).toBeLessThanOrEqual(1_048_576)
  expect(gateway.caches.bytes).toBeGreaterThan(900_000)
  expect([await status(24), await status(1)]).toEqual(['Hit', 'Miss'])
})

test('responses that are being read take at most half of the memory, and return it', async () => {
  gateway.caches.purge('plugin-0', null)
  const before = gateway.caches.bytes
  const open = new Set<ServerResponse>()
  respond = (_, response) => {
    open.add(response.writeHead(200, { 'content-type': 'text/plain' }))
    response.write('x'.repeat(60_000))
  }
  const queries = Array.from({ length: 20 }, (_, index) => `?read=${index}`)
  const answers = queries.map((query) => ask('plain', {}, query).catch(() => undefined))
  await until('all are being read', () => open.size === 20)
  await until('half of the memory is taken', () => gateway.caches.bytes - before > 440_000)
  expect(gateway.caches.bytes - before).toBeLessThanOrEqual(524_288)
  for (const [index, response] of [...open].entries())
    if (index % 2 === 0) response.end()
    else response.destroy()
  await Promise.all(answers)
  gateway.caches.purge('plugin-0', null)
  await until('the memory is free', () => gateway.caches.bytes === before)
  respond = counting()
  expect(await statuses('plain', [{}, {}])).toEqual(['Miss', 'Hit'])
})

test('a purge removes one response of a plugin, or all', async () => {
  respond = counting()
  const status = async (query: string) => (await ask('plain', {}, query)).status
  for (const query of ['?a', '?b', '?c']) await status(query)
  const key = (await ask('plain', {}, '?a')).response.headers.get('x-cache-key')
  gateway.caches.purge('plugin-1', null)
  gateway.caches.purge('plugin-0', key)
  expect([await status('?a'), await status('?b')]).toEqual(['Miss', 'Hit'])
  gateway.caches.purge('plugin-0', null)
  expect([await status('?a'), await status('?b')]).toEqual(['Miss', 'Miss'])
})

test.each([
  [{}, 'strategy: Invalid input: expected "memory"'],
  [{ strategy: 'redis' }, 'strategy: Invalid input'],
  [{ ...memory, response_code: [] }, 'response_code: Too small'],
  [{ ...memory, response_code: [99] }, 'response_code.0: value should be between 100 and 900'],
  [{ ...memory, request_method: ['DELETE'] }, 'request_method.0: Invalid option'],
  [{ ...memory, cache_ttl: 0 }, 'cache_ttl: value must be greater than 0'],
  [{ ...memory, vary_headers: 'a' }, 'vary_headers: Invalid input'],
])('refuses %j', (config, complaint) => {
  expect(complaintOf(proxyCache, config)?.slice(0, complaint.length)).toBe(complaint)
})
