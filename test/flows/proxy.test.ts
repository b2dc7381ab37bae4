import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'
import { untilClosed } from '../harness/until-closed.ts'

const orders = (port: number, more: Record<string, unknown> = {}) => ({
  name: 'orders',
  host: '127.0.0.1',
  port,
  ...more,
})

/** Sends raw bytes, and returns everything received until the peer closes. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.write(bytes)
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  await untilClosed(socket)
  return text
}

test('forwards a request with X-Forwarded headers, and records it', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ name: 'all', paths: ['/orders'], service: 'orders' }],
  })
  const response = await gateway.ask('/orders/7?color=red&apikey=s3cret', {
    method: 'POST',
    body: 'hello',
    headers: { 'X-Consumer-ID': 'forged', x_consumer_username: 'forged' },
  })
  const seen = (await response.json()) as Echo
  expect(seen).toMatchObject({ method: 'POST', url: '/7?color=red&apikey=s3cret', body: 'hello' })
  expect(seen.headers).toMatchObject({
    host: `127.0.0.1:${upstream.port}`,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-prefix': '/orders',
    'x-forwarded-path': '/orders/7',
    'x-kong-request-id': response.headers.get('x-kong-request-id'),
  })
  expect(JSON.stringify(seen.headers)).not.toContain('forged')
  expect(gateway.events).toHaveLength(1)
  expect(gateway.events[0]).toMatchObject({
    request_id: expect.stringMatching(dashed(response.headers.get('x-kong-request-id'))),
    outcome: 'allowed',
    status: 200,
    upstream_status: 200,
    service_name: 'orders',
    route_name: 'all',
    route_path: '/orders',
    path: '/orders/7',
    query: 'color=red&apikey=REDACTED',
    request_bytes: 5,
    target: `127.0.0.1:${upstream.port}`,
    tries: 1,
  })
})

test('returns Kong’s errors for a missing route or service, and records them', async () => {
  const gateway = await openGateway({ routes: [{ name: 'nowhere', paths: ['/nowhere'] }] })
  const none = await gateway.ask('/other')
  expect(none.status).toBe(404)
  expect(await none.json()).toEqual({
    message: 'no Route matched with those values',
    request_id: none.headers.get('x-kong-request-id'),
  })
  const unserved = await gateway.ask('/nowhere')
  expect([unserved.status, await unserved.json()]).toMatchObject([
    503,
    { message: 'no Service found with those values' },
  ])
  expect(
    gateway.events.map(({ outcome, denied_by, reason, status }) => [
      outcome,
      denied_by,
      reason,
      status,
    ]),
  ).toEqual([
    ['denied', 'router', 'route.none', 404],
    ['failed', '', 'service.none', 503],
  ])
})

test('skips a target that refuses connections, and counts every attempt', async () => {
  const good = await startUpstream()
  const dead = await startUpstream()
  dead.server.close()
  const gateway = await openGateway({
    upstreams: [
      {
        name: 'pool',
        targets: [
          { target: `127.0.0.1:${dead.port}`, weight: 1000 },
          { target: `127.0.0.1:${good.port}`, weight: 1 },
        ],
      },
    ],
    services: [{ name: 'pooled', host: 'pool' }],
    routes: [{ paths: ['/'], service: 'pooled' }],
  })
  const response = await gateway.ask('/x', { method: 'POST', body: 'kept for the second try' })
  expect(((await response.json()) as Echo).body).toBe('kept for the second try')
  expect(gateway.events[0]).toMatchObject({
    tries: 2,
    status: 200,
    target: `127.0.0.1:${good.port}`,
  })
})

test('retries a GET that was sent, but not a POST', async () => {
  let calls = 0
  const upstream = await startUpstream((request, response) => {
    calls += 1
    if (calls < 3) request.socket.destroy()
    else response.end('third time')
  })
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  expect((await gateway.ask('/', { method: 'POST', body: 'once' })).status).toBe(502)
  expect(calls).toBe(1)
  expect(await (await gateway.ask('/')).text()).toBe('third time')
  expect(gateway.events.map(({ tries }) => tries)).toEqual([1, 2])
})

test('returns 504 when the service does not respond within read_timeout', async () => {
  const upstream = await startUpstream(() => undefined)
  const gateway = await openGateway({
    services: [orders(upstream.port, { read_timeout: 50, retries: 1 })],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  const response = await gateway.ask('/')
  expect([response.status, await response.json()]).toMatchObject([
    504,
    { message: 'The upstream server is timing out' },
  ])
  expect(gateway.events[0]).toMatchObject({
    outcome: 'failed',
    reason: 'upstream.timeout',
    tries: 2,
  })
})

test('returns 503 when the name does not resolve', async () => {
  const gateway = await openGateway({
    services: [{ name: 'lost', host: 'no-such-host.invalid', retries: 0 }],
    routes: [{ paths: ['/'], service: 'lost' }],
  })
  expect([(await gateway.ask('/')).status, gateway.events[0]?.reason]).toEqual([
    503,
    'upstream.name',
  ])
})

test('aborts the client connection when the service fails in its response, and records the failure', async () => {
  const upstream = await startUpstream((_request, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('half of it')
    setTimeout(() => response.destroy(), 20)
  })
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  await expect(gateway.ask('/').then((response) => response.text())).rejects.toThrow('terminated')
  expect(gateway.events[0]).toMatchObject({
    outcome: 'failed',
    status: 200,
    reason: 'upstream.invalid',
  })
})

test('records 499 and aborts the upstream request when the client disconnects', async () => {
  let [arrived, dropped] = [false, false]
  const upstream = await startUpstream((request) => {
    arrived = true
    request.on('close', () => (dropped = true))
  })
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  const leave = new AbortController()
  const response = gateway.ask('/', { signal: leave.signal }).catch(() => 'left')
  await until('the request arrived', () => arrived)
  leave.abort()
  expect(await response).toBe('left')
  await until('the exchange was recorded', () => gateway.events[0])
  expect(gateway.events[0]).toMatchObject({
    status: 499,
    outcome: 'failed',
    reason: 'client.closed',
  })
  await until('the service was let go', () => dropped)
})

test('streams bodies both ways without buffering', async () => {
  const upstream = await startUpstream((request, response) => void request.pipe(response))
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ paths: ['/'], service: 'orders', request_buffering: false }],
  })
  const request = http.request(`${gateway.url}/`, { method: 'POST' })
  request.write('first')
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const parts: string[] = []
  response.on('data', (part) => parts.push(String(part)))
  await until('the first part came back', () => parts.length === 1)
  request.end('second')
  await once(response, 'end')
  expect(parts).toEqual(['first', 'second'])
  await until('the exchange was recorded', () => gateway.events[0])
  expect(gateway.events[0]).toMatchObject({ request_bytes: 11, response_bytes: 11 })
})

test('forwards 64 MiB unchanged to a slow reader', async () => {
  const size = 64 * 1024 * 1024
  const chunk = Buffer.alloc(65_536, 7)
  const upstream = await startUpstream(async (_request, response) => {
    response.writeHead(200, { 'content-length': String(size) })
    for (let sent = 0; sent < size; sent += chunk.length)
      if (!response.write(chunk)) await once(response, 'drain')
    response.end()
  })
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  const [response] = (await once(http.get(`${gateway.url}/`), 'response')) as [http.IncomingMessage]
  let received = 0
  for await (const part of response as AsyncIterable<Buffer>) received += part.length
  expect(received).toBe(size)
  expect(gateway.events[0]?.response_bytes).toBe(size)
})

test('forwards a WebSocket whose handshake is authenticated, and recorded before the response', async () => {
  const upstream = await startUpstream()
  const sockets = new WebSocketServer({ server: upstream.server })
  sockets.on('connection', (socket) =>
    socket.on('message', (text: Buffer) => socket.send(`echo ${text.toString()}`)),
  )
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ paths: ['/chat'], service: 'orders' }],
    plugins: [{ name: 'key-auth' }],
    consumers: { alice: { keys: ['k1'] } },
  })
  const refused = new WebSocket(`ws://127.0.0.1:${gateway.port}/chat`)
  const [, response] = (await once(refused, 'unexpected-response')) as [
    unknown,
    http.IncomingMessage,
  ]
  expect(response.statusCode).toBe(401)
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/chat`, { headers: { apikey: 'k1' } })
  await once(socket, 'open')
  expect(gateway.events.map(({ status, consumer_name }) => [status, consumer_name])).toEqual([
    [401, ''],
    [101, 'alice'],
  ])
  socket.send('hello')
  expect(String((await once(socket, 'message'))[0])).toBe('echo hello')
  socket.close()
  await once(socket, 'close')
})

test.each([
  ['no request at all', 'GARBAGE\r\n\r\n', 400, 'request.malformed'],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    400,
    'request.malformed',
  ],
  [
    'length and chunks',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    'request.malformed',
  ],
  [
    'a head beyond the limit',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
    431,
    'request.head_too_large',
  ],
])('rejects and records %s, and serves others', async (_name, bytes, status, reason) => {
  const upstream = await startUpstream()
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  expect(await raw(gateway.port, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"request_id"`))
  expect(gateway.events).toMatchObject([
    { status, reason, client_address: '127.0.0.1', workspace: '' },
  ])
  expect((await gateway.ask('/')).status).toBe(200)
})

test('returns 413 for a body over the limit, with and without Content-Length', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(
    { services: [orders(upstream.port)], routes: [{ paths: ['/'], service: 'orders' }] },
    { limits: { bodyBytes: 1000 } },
  )
  const declared = await gateway.ask('/', { method: 'POST', body: 'x'.repeat(1001) })
  const body = new ReadableStream({
    start(controller) {
      for (let index = 0; index < 5; index += 1) controller.enqueue(Buffer.alloc(400))
      controller.close()
    },
  })
  const chunked = await gateway.ask('/', { method: 'POST', body, duplex: 'half' } as RequestInit)
  expect([declared.status, chunked.status]).toEqual([413, 413])
  expect((await gateway.ask('/', { method: 'POST', body: 'x'.repeat(1000) })).status).toBe(200)
})

test('a change swaps the program under keep-alive connections without an error', async () => {
  const first = await startUpstream((_request, response) => response.end('first'))
  const second = await startUpstream((_request, response) => response.end('second'))
  const words = (port: number) => ({
    services: [orders(port)],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  const gateway = await openGateway(words(first.port))
  const answers = new Set<string>()
  let asking = true
  const askers = Array.from({ length: 20 }, async () => {
    while (asking) answers.add(await (await gateway.ask('/')).text())
  })
  for (let turn = 0; turn < 50; turn += 1) {
    gateway.reconfigure(words(turn % 2 === 0 ? second.port : first.port))
    await gateway.ask('/')
  }
  asking = false
  await Promise.all(askers)
  expect(answers).toEqual(new Set(['first', 'second']))
  expect(gateway.events.every(({ status }) => status === 200)).toBe(true)
})

test('removes hop-by-hop headers in both directions', async () => {
  const upstream = await startUpstream((request, response) => {
    response.writeHead(200, {
      connection: 'close, x-private',
      'x-private': '1',
      'x-public': '1',
      'proxy-authenticate': 'no',
    })
    response.end(JSON.stringify(request.headers))
  })
  const gateway = await openGateway({
    services: [orders(upstream.port)],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  const text = await raw(
    gateway.port,
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\nProxy-Authorization: x\r\nX-Open: 1\r\n\r\n',
  )
  expect(text).toContain('"x-open":"1"')
  expect(text).toMatch(/x-public: 1/i)
  expect(text).not.toMatch(/x-secret|x-private|proxy-authenticate/i)
  // As in Kong.
  expect(text).toMatch(
    /"te":"trailers".*"proxy-authorization":"x"|"proxy-authorization":"x".*"te":"trailers"/i,
  )
})

/** The UUID with these hexadecimal digits. */
const dashed = (digits: string | null): string =>
  String(digits).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '^$1-$2-$3-$4-$5$')
