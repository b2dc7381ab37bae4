import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { defaultExchangeSettings } from '../../src/proxy/exchange-settings.ts'
import { openGateway, type GatewayOptions } from '../harness/open-gateway.ts'
import { openRawClient } from '../harness/open-raw-client.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

/** A service that sends these bytes for each request that it has read, and the requests as it read them. */
async function startRaw(answer: (socket: Socket, count: number) => void) {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      requests.push(bytes.toString('latin1'))
      answer(socket, requests.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, requests, sockets }
}

const to = (port: number, more: object = {}, plugins: object[] = []) => ({
  services: [{ name: 's', host: '127.0.0.1', port, retries: 0, ...more }],
  routes: [{ name: 'r', service: 's', paths: ['/'], strip_path: false }],
  plugins: plugins as Record<string, unknown>[],
  consumers: { ann: { keys: ['the-key'] } },
})

async function sendRaw(port: number, text: string) {
  const client = openRawClient(port)
  onTestFinished(() => client.destroy())
  await client.send([Buffer.from(text, 'latin1')])
  expect(await client.until(() => client.answers.length === 1 || client.closed)).toBe(true)
  return client
}

type Sent = { status: number; interims: number[]; body: string; headers: Record<string, unknown> }

/** Sends a request over either version of HTTP. */
async function send(
  protocol: 'HTTP/1.1' | 'HTTP/2',
  port: number,
  request: {
    method?: string
    path?: string
    headers?: Record<string, string>
    body?: string
    trailers?: Record<string, string>
  },
): Promise<Sent> {
  const { method = 'GET', path = '/', headers = {}, body, trailers } = request
  const interims: number[] = []
  if (protocol === 'HTTP/1.1') {
    const message = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false })
    message.on('information', ({ statusCode }) => interims.push(statusCode))
    if (trailers !== undefined) {
      message.setHeader('Transfer-Encoding', 'chunked')
      message.addTrailers(trailers)
    }
    message.end(body)
    const [answer] = (await once(message, 'response')) as [http.IncomingMessage]
    let text = ''
    for await (const part of answer) text += String(part)
    return { status: answer.statusCode ?? 0, interims, body: text, headers: answer.headers }
  }
  const session = http2.connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => session.destroy())
  const stream = session.request(
    { ':method': method, ':path': path, ...headers },
    { endStream: body === undefined, waitForTrailers: trailers !== undefined },
  )
  stream.on('headers', (fields) => interims.push(Number(fields[':status'])))
  stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}))
  if (body !== undefined) stream.end(body)
  const [fields] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  let text = ''
  for await (const part of stream) text += String(part)
  return { status: Number(fields[':status']), interims, body: text, headers: fields }
}

const echoed = ({ body }: Sent): Echo => JSON.parse(body) as Echo

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('over %s', (protocol) => {
  const open = async (more: object = {}, options: GatewayOptions = {}) => {
    const { port } = await startUpstream()
    return openGateway({ ...to(port), ...more }, options)
  }

  test('a service gets no Proxy header (httpoxy) and no look-alike of a framing field', async () => {
    const gateway = await open()
    const headers = {
      proxy: 'http://evil.example',
      transfer_encoding: 'chunked',
      'content.length': '5',
      content_length: '5',
      x_real_ip: '6.6.6.6',
      'proxy-authorization': 'Basic eDp5',
      ok: 'kept',
    }
    const { headers: seen } = echoed(await send(protocol, gateway.port, { headers }))
    expect(seen).toMatchObject({ ok: 'kept', 'proxy-authorization': 'Basic eDp5' })
    for (const name of [
      'proxy',
      'transfer_encoding',
      'content.length',
      'content_length',
      'x_real_ip',
    ])
      expect(seen).not.toHaveProperty([name])
  })

  test('TRACE is answered with 405, and Max-Forwards ends or counts OPTIONS', async () => {
    const gateway = await open()
    const ask = (method: string, headers: Record<string, string> = {}) =>
      send(protocol, gateway.port, { method, headers })
    expect(await ask('TRACE')).toMatchObject({
      status: 405,
      headers: { allow: expect.stringContaining('GET') },
    })
    const last = await ask('OPTIONS', { 'max-forwards': '0' })
    expect(last).toMatchObject({ status: 200, body: '' })
    expect(last.headers['allow']).toContain('OPTIONS')
    const counted = echoed(await ask('OPTIONS', { 'max-forwards': '7' }))
    expect(counted.headers['max-forwards']).toBe('6')
    expect(echoed(await ask('GET', { 'max-forwards': '0' })).headers['max-forwards']).toBe('0')
  })

  test('a service gets Via, TE: trailers, the trailers and an empty query', async () => {
    const { port, requests } = await startRaw((socket) => {
      if (requests.join('').includes('\r\n0\r\n'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    const gateway = await openGateway(to(port))
    await send(protocol, gateway.port, {
      method: 'POST',
      path: '/a?',
      headers: { te: 'trailers', trailer: 'X-Sum', via: '1.0 first' },
      body: 'body',
      trailers: { 'x-sum': '42', 'x-consumer-id': 'forged', authorization: 'forged' },
    })
    const text = requests.join('')
    expect(text).toMatch(/^POST \/a\? HTTP\/1\.1\r\n/)
    expect(text).toMatch(/\r\nTE: trailers\r\n/)
    expect(text).toMatch(/\r\nTrailer: X-Sum\r\n/)
    const version = protocol === 'HTTP/2' ? '2' : '1.1'
    expect(text).toMatch(
      new RegExp(`\r\nVia: 1\\.0 first, ${version} weir-[0-9a-f]{16}-[0-9a-f]{8}\r\n`),
    )
    expect(text).toMatch(/\r\n0\r\nx-sum: 42\r\n\r\n$/i)
    expect(text).not.toContain('forged')
  })

  test('a request that reaches its route again is answered with 508', async () => {
    const looping = await startUpstream((request, response) => {
      const { headers, url } = request
      http.get({ port: gateway.port, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500)
        answer.pipe(response)
      })
    })
    const gateway = await openGateway(to(looping.port, { retries: 5 }))
    const answer = await send(protocol, gateway.port, {})
    expect([answer.status, answer.body]).toEqual([508, expect.stringContaining('Loop detected')])
    await until('both events', () => gateway.events.length === 2)
    expect(gateway.events[0]).toMatchObject({ outcome: 'failed', reason: 'request.loop' })
  })

  test('chained gateways with copies of one configuration are not a loop', async () => {
    const upstream = await startUpstream()
    const inner = await openGateway(to(upstream.port))
    const edge = await openGateway(to(inner.port))
    const answer = await send(protocol, edge.port, {})
    expect(answer.status).toBe(200)
    const { headers } = JSON.parse(answer.body) as Echo
    const passes = String(headers['via']).match(/weir-[0-9a-f]{16}/g) ?? []
    expect([passes.length, new Set(passes).size]).toEqual([2, 1])
  })

  test('early hints (103) reach the client before the answer, without cookies', async () => {
    const { port } = await startRaw((socket) =>
      socket.write(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nSet-Cookie: a=b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    )
    const gateway = await openGateway(to(port))
    expect(await send(protocol, gateway.port, {})).toMatchObject({
      status: 200,
      interims: [103],
      body: 'ok',
    })
  })

  test('the request id is 32 hexadecimal digits, the same for client, service and event', async () => {
    const gateway = await open()
    const answer = await send(protocol, gateway.port, {})
    const id = answer.headers['x-kong-request-id']
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(echoed(answer).headers['x-kong-request-id']).toBe(id)
    expect(gateway.events[0]?.request_id.replaceAll('-', '')).toBe(id)
  })

  test('Kong-Debug and X-Kong-Upstream-Status are answered if enabled', async () => {
    const headers = { 'kong-debug': '1' }
    const plain = await send(protocol, (await open()).port, { headers })
    for (const name of ['kong-route-name', 'kong-service-id', 'x-kong-upstream-status'])
      expect(plain.headers).not.toHaveProperty(name)
    const settings = {
      ...defaultExchangeSettings,
      allowsDebug: true,
      sendsRequestId: false,
      answerHeaders: new Set(['X-Kong-Upstream-Status' as const]),
    }
    const answer = await send(protocol, (await open({}, { settings })).port, { headers })
    expect(answer.headers).toMatchObject({
      'kong-route-id': 'r',
      'kong-route-name': 'r',
      'kong-service-id': 's',
      'kong-service-name': 's',
      'x-kong-upstream-status': '200',
    })
    for (const name of ['via', 'x-kong-request-id', 'x-kong-proxy-latency'])
      expect(answer.headers).not.toHaveProperty(name)
    expect(echoed(answer).headers).not.toHaveProperty('x-kong-request-id')
  })

  test('a path that servers interpret differently is refused on a route with authentication', async () => {
    const auth = [{ name: 'key-auth', config: {} }]
    const { port } = await startUpstream()
    const strict = await openGateway(to(port, {}, auth))
    const loose = await openGateway(to(port))
    const headers = { apikey: 'the-key' }
    const spellings = [
      '/a%2Fb',
      '/a%2fb',
      '/a%5Cb',
      '/a%5cb',
      '/..;/b',
      '/a/..;x/b',
      '/.;/b',
      '/%2e%2e;/b',
      '/a/;/b',
      '/a%09b',
      '/a%0d%0ab',
      '/a%7fb',
      '/%252e%252e/b',
      '/a%252fb',
      '/%c0%ae%c0%ae/b',
      '/a%ef%bc%8fb',
      '/a%u002fb',
      '/a%',
    ]
    for (const path of spellings) {
      expect([path, (await send(protocol, strict.port, { path, headers })).status]).toEqual([
        path,
        400,
      ])
      expect([path, (await send(protocol, loose.port, { path })).status]).toEqual([path, 200])
    }
    for (const path of [
      '/a%20b',
      '/a;b=c',
      '/a%3Bb',
      '/%C3%A9',
      '/a.b..c',
      '/%2e/b',
      '/50%25',
      '/C%23',
    ])
      expect([path, (await send(protocol, strict.port, { path, headers })).status]).toEqual([
        path,
        200,
      ])
    for (const gateway of [strict, loose])
      expect((await send(protocol, gateway.port, { path: '/a%00b', headers })).status).toBe(400)
  })

  test('the prefix / is not announced, and a host route without paths adds no slash', async () => {
    const { port } = await startUpstream()
    const gateway = await openGateway({
      services: [{ name: 's', host: '127.0.0.1', port, path: '/service' }],
      routes: [
        { name: 'r', service: 's', paths: ['/', '/a'] },
        { name: 'h', service: 's', hosts: ['host.test'] },
      ],
    })
    const ask = async (path: string, headers: Record<string, string> = {}) =>
      echoed(await send(protocol, gateway.port, { path, headers }))
    expect((await ask('/b')).headers).not.toHaveProperty('x-forwarded-prefix')
    expect((await ask('/a/b')).headers['x-forwarded-prefix']).toBe('/a')
    const host = protocol === 'HTTP/2' ? { ':authority': 'host.test' } : { host: 'host.test' }
    expect((await ask('/', host)).url).toBe('/service')
    expect((await ask('/c', host)).url).toBe('/service/c')
    expect((await ask('/c/', host)).url).toBe('/service/c/')
  })
})

test('a 204 of a service loses its Content-Length', async () => {
  const { port } = await startRaw((socket) =>
    socket.write(
      'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nTransfer_Encoding: chunked\r\nX-A: b\r\n\r\n',
    ),
  )
  const gateway = await openGateway(to(port))
  const { answers } = await sendRaw(gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const fields = JSON.stringify(answers[0]).toLowerCase()
  expect(fields).toContain('x-a')
  expect(fields).not.toMatch(/content-length|transfer_encoding/)
})

test('a chunked answer that is malformed from the first chunk is answered with 502', async () => {
  const { port } = await startRaw((socket) =>
    socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno chunk\r\n'),
  )
  const gateway = await openGateway(to(port))
  expect((await gateway.ask('/')).status).toBe(502)
  expect(gateway.events[0]).toMatchObject({ status: 502, reason: 'upstream.invalid' })
})

test.each([
  ['GET', [200, 200], 3],
  ['PUT', [200, 200], 3],
  ['POST', [200, 502], 2],
] as const)(
  'a %s on a kept connection that the service closes meanwhile is answered with %j',
  async (...row) => {
    const [method, statuses, reads] = row
    const service = await startRaw((socket, count) => {
      if (count === 2) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    const gateway = await openGateway(to(service.port))
    const ask = async () =>
      (await gateway.ask('/', { method, ...(method === 'GET' ? {} : { body: 'body' }) })).status
    expect([await ask(), await ask()]).toEqual(statuses)
    expect(service.requests).toHaveLength(reads)
    expect(gateway.events.at(-1)?.tries).toBe(1)
  },
)

test('a service gets the host by which its route was chosen, not another one from the Host of an absolute target (host confusion)', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway({
    services: [{ name: 's', host: '127.0.0.1', port: upstream.port }],
    routes: [{ name: 'r', service: 's', hosts: ['own.test'], preserve_host: true }],
  })
  const ask = async (target: string) => {
    const head = `GET ${target} HTTP/1.1\r\nHost: internal.test\r\n\r\n`
    const [answer] = (await sendRaw(gateway.port, head)).answers
    const { start = '', body = '' } = answer ?? {}
    return start.includes(' 200 ') ? (JSON.parse(body) as Echo).headers['host'] : start
  }
  for (const target of [
    'http://own.test/',
    'http://u:p@OWN.test',
    'https://own.test?internal.test',
  ])
    expect(await ask(target)).toMatch(/^own\.test$/i)
  for (const target of [
    'http://own.test\\internal.test/',
    'http://[own.test]/',
    'http://own.test#/',
  ])
    expect(await ask(target)).toContain(' 400 ')
})

test('a new connection that the service closes is not repeated with retries 0', async () => {
  const service = await startRaw((socket) => void socket.destroy())
  const gateway = await openGateway(to(service.port))
  expect((await gateway.ask('/')).status).toBe(502)
  expect(service.requests).toHaveLength(1)
})
