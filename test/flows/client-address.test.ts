import * as grpc from '@grpc/grpc-js'
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import type { OriginSettings } from '../../src/proxy/listener-options.ts'
import { readProxyHeader } from '../../src/proxy/proxy-protocol/read-proxy-header.ts'
import { writeProxyHeader } from '../../src/proxy/proxy-protocol/write-proxy-header.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { startGrpc } from '../harness/start-grpc.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'
import { untilClosed } from '../harness/until-closed.ts'

const authority = await makeAuthority('test authority')

const trusting = (header: string, more: Partial<OriginSettings> = {}): OriginSettings => ({
  realIp: { trusted: ['127.0.0.0/8'], header, recursive: true },
  portMaps: [],
  ...more,
})
const bothRead = { plain: true, secure: true }
const client = { address: '192.0.2.1', port: 4711 }
const balancer = { address: '198.51.100.1', port: 443 }
const everything = (port: number, plugins: readonly object[] = []) => ({
  services: [{ name: 'api', host: '127.0.0.1', port }],
  routes: [{ name: 'all', paths: ['/'], service: 'api' }],
  plugins: plugins as Record<string, unknown>[],
})

async function connect(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  for (const part of parts) {
    socket.write(part)
    await new Promise((resolve) => void setImmediate(resolve))
  }
  return socket
}

async function all(socket: Socket): Promise<string> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  await untilClosed(socket)
  return Buffer.concat(parts).toString('latin1')
}

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'

test('behind a trusted proxy, limits, events and the service see the client as the proxy reports it', async () => {
  const upstream = await startUpstream()
  const limit = { name: 'rate-limiting', config: { minute: 1, limit_by: 'ip' } }
  const gateway = await openGateway(everything(upstream.port, [limit]), {
    proxied: { origins: trusting('x-forwarded-for') },
  })
  const ask = async (address: string) => {
    const response = await gateway.ask('/x?q=1', {
      headers: {
        'X-Forwarded-For': `forged, ${address}, 127.0.0.9`,
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'shop.example',
        'X-Forwarded-Port': '443',
        'X-Forwarded-Path': '/outer/x',
        'X-Forwarded-Prefix': '/outer',
      },
    })
    return [response.status, ((await response.json()) as Partial<Echo>).headers] as const
  }
  const [status, headers] = await ask('192.0.2.1')
  expect([status, headers]).toMatchObject([
    200,
    {
      'x-forwarded-for': 'forged, 192.0.2.1, 127.0.0.9, 127.0.0.1',
      'x-real-ip': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-port': '443',
      'x-forwarded-path': '/outer/x',
      'x-forwarded-prefix': '/outer',
    },
  ])
  expect((await ask('192.0.2.2'))[0], 'another client has a limit of its own').toBe(200)
  expect((await ask('192.0.2.1'))[0]).toBe(429)
  expect(gateway.events.map((event) => event.client_address)).toEqual([
    '192.0.2.1',
    '192.0.2.2',
    '192.0.2.1',
  ])
})

test('an untrusted peer can forge neither its address nor forwarded fields', async () => {
  const upstream = await startUpstream()
  const elsewhere = { trusted: ['10.0.0.0/8'], header: 'x-forwarded-for', recursive: true }
  const gateway = await openGateway(everything(upstream.port), {
    proxied: { origins: { realIp: elsewhere, portMaps: [] } },
  })
  gateway.reconfigure({
    ...everything(upstream.port),
    routes: [
      { name: 'all', paths: ['/'], service: 'api' },
      { name: 'safe', paths: ['/safe'], service: 'api', protocols: ['https'] },
    ],
  })
  const headers = { 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'https' }
  const { headers: seen } = (await (await gateway.ask('/x', { headers })).json()) as Echo
  expect(seen).toMatchObject({
    'x-forwarded-for': '192.0.2.1, 127.0.0.1',
    'x-real-ip': '127.0.0.1',
    'x-forwarded-proto': 'http',
  })
  expect((await gateway.ask('/safe', { headers })).status).toBe(426)
  expect(new Set(gateway.events.map((event) => event.client_address))).toEqual(
    new Set(['127.0.0.1']),
  )
})

test('a trusted proxy that terminated TLS reaches routes for https; port maps set the port of clients', async () => {
  const upstream = await startUpstream()
  const portMaps = Array.from({ length: 64_512 }, (_, at) => ({
    external: 443,
    internal: 1_024 + at,
  }))
  const gateway = await openGateway(
    {
      services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
      routes: [{ name: 'safe', paths: ['/'], service: 'api', protocols: ['https'] }],
    },
    { proxied: { origins: trusting('x-real-ip', { portMaps }) } },
  )
  const asked = (proto: string) => gateway.ask('/x', { headers: { 'X-Forwarded-Proto': proto } })
  expect((await asked('http')).status).toBe(426)
  const served = await asked('https')
  const { headers } = (await served.json()) as Echo
  expect([served.status, headers['x-forwarded-port']]).toEqual([200, '443'])
})

test('takes the client from the PROXY header over HTTP/1.1, however it is split, and over TLS', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port), {
    proxied: { origins: trusting('proxy_protocol'), readsProxy: bothRead },
    certificate: await authority.issue({ names: ['a.example'] }),
  })
  const headers = (['v1', 'v2'] as const).map((form) => writeProxyHeader(form, client, balancer))
  for (const header of headers) {
    for (let at = 0; at <= header.length; at += 1) {
      const parts = [header.subarray(0, at), Buffer.concat([header.subarray(at), Buffer.from(get)])]
      const socket = await connect(gateway.port, ...parts)
      expect(await all(socket)).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*"x-real-ip":"192.0.2.1"/)
    }
    const raw = await connect(gateway.securePort, header)
    const secure = tls.connect({ socket: raw, rejectUnauthorized: false })
    secure.write(get)
    expect(await all(secure)).toContain('"x-real-ip":"192.0.2.1"')
  }
  await until('all are recorded', () => gateway.events.length >= 2)
  expect(new Set(gateway.events.map((event) => event.client_address))).toEqual(
    new Set(['192.0.2.1']),
  )
})

test('takes the client from the PROXY header over HTTP/2, gRPC and WebSocket', async () => {
  const service = await startGrpc()
  const upstream = await startUpstream()
  upstream.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const address = String(request.headers['x-real-ip'])
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nx-seen: ${address}\r\n\r\n`,
    )
  })
  const gateway = await openGateway(
    {
      services: [
        { name: 'api', host: '127.0.0.1', port: upstream.port },
        { name: 'echo', host: '127.0.0.1', port: service.port, protocol: 'grpc' },
      ],
      routes: [
        { name: 'all', paths: ['/'], service: 'api' },
        {
          name: 'grpc',
          paths: ['/test.Echo'],
          service: 'echo',
          protocols: ['grpc'],
          strip_path: false,
        },
      ],
    },
    { proxied: { origins: trusting('proxy_protocol'), readsProxy: bothRead } },
  )
  const balanced = await startBalancer(gateway.port)
  const session = http2.connect(`http://127.0.0.1:${balanced}`)
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':path': '/x' })
  let text = ''
  for await (const part of stream) text += String(part)
  expect((JSON.parse(text) as Echo).headers['x-real-ip']).toBe('192.0.2.1')

  const caller = new grpc.Client(`127.0.0.1:${balanced}`, grpc.credentials.createInsecure())
  onTestFinished(() => caller.close())
  const identity = (bytes: Buffer): Buffer => bytes
  const answer = await new Promise((resolve, reject) => {
    caller.makeUnaryRequest(
      '/test.Echo/Once',
      identity,
      identity,
      Buffer.from('hi'),
      (error, said) => (error === null ? resolve(String(said)) : reject(error)),
    )
  })
  expect(answer).toBe('once hi')

  const upgrade = http.get({
    port: balanced,
    host: '127.0.0.1',
    headers: { connection: 'Upgrade', upgrade: 'websocket' },
  })
  const [switched] = (await once(upgrade, 'upgrade')) as [IncomingMessage]
  expect(switched.headers['x-seen']).toBe('192.0.2.1')
  await until('all are recorded', () => gateway.events.length === 3)
  expect(gateway.events.map((event) => event.client_address)).toEqual(
    Array.from({ length: 3 }, () => '192.0.2.1'),
  )
})

test('closes a connection with a malformed PROXY header, an unfinished one or none', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port), {
    proxied: { origins: trusting('proxy_protocol'), readsProxy: bothRead },
    streams: { readsProxy: true },
    limits: { headMilliseconds: 100 },
  })
  const begun = ['', 'PROXY TCP4 192.0.2.1', '\r\n\r\n\0\r\nQUIT', get, 'PROXY TCP4 a b 1 2\r\n']
  const ports = [gateway.port, gateway.securePort, gateway.streamPort, gateway.secureStreamPort]
  const answers = ports.flatMap((port) =>
    begun.map(async (bytes) => all(await connect(port, bytes))),
  )
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['']))
  expect(gateway.events).toEqual([])
})

test('a listener that reads PROXY headers closes silent connections first when there are too many', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port), {
    proxied: { origins: trusting('proxy_protocol'), readsProxy: bothRead },
    admission: { connections: 2 },
  })
  const silent = [await connect(gateway.port), await connect(gateway.port)]
  const header = writeProxyHeader('v2', client, balancer)
  await until('a silent connection is closed for another', async () =>
    (await all(await connect(gateway.port, header, get))).startsWith('HTTP/1.1 200'),
  )
  expect(silent.filter((socket) => socket.destroyed)).not.toEqual([])
})

test('stream routes match the client of the PROXY header, and the target gets a header', async () => {
  const pair = await authority.issue({ names: ['inside.example'] })
  const [plainPort, tlsPort] = [await startTarget(), await startTarget(pair)]
  const from = { sources: [{ ip: '192.0.2.1', port: 4711 }] }
  for (const version of ['v1', 'v2'] as const) {
    const gateway = await openGateway(
      {
        services: [
          { name: 'plain', host: '127.0.0.1', port: plainPort, protocol: 'tcp' },
          { name: 'secure', host: '127.0.0.1', port: tlsPort, protocol: 'tls' },
        ],
        routes: [
          { service: 'plain', protocols: ['tcp'], ...from },
          { service: 'secure', protocols: ['tls'], ...from },
        ],
      },
      {
        proxied: { origins: trusting('x-real-ip') },
        streams: { readsProxy: true, sendsProxy: version },
        certificate: pair,
      },
    )
    const header = writeProxyHeader(version, client, balancer)
    for (let at = 0; at <= header.length; at += 1) {
      const split = [header.subarray(0, at), header.subarray(at)]
      const socket = await connect(gateway.streamPort, ...split)
      socket.end('hello')
      expect(await all(socket)).toBe('192.0.2.1 4711 hello')
    }
    const raw = await connect(gateway.secureStreamPort, header)
    const secure = tls.connect({ socket: raw, rejectUnauthorized: false })
    secure.end('hello')
    expect(await all(secure)).toBe('192.0.2.1 4711 hello')
    await until('they are recorded', () => gateway.events.length === header.length + 2)
    expect(new Set(gateway.events.map((event) => event.client_address))).toEqual(
      new Set(['192.0.2.1']),
    )
  }
})

/** A balancer that puts a PROXY header before each connection. */
async function startBalancer(port: number): Promise<number> {
  const server = net.createServer((socket) => {
    const target = net.connect(port, '127.0.0.1')
    target.write(writeProxyHeader('v2', client, balancer))
    for (const end of [socket, target]) end.on('error', () => undefined)
    socket.pipe(target).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** A target that reads a PROXY header, then a TLS handshake with `pair`, and answers with the source and what it received. */
async function startTarget(pair?: {
  readonly cert: string
  readonly key: string
}): Promise<number> {
  const answer = async (socket: Socket, named: string): Promise<void> => {
    let text = ''
    for await (const part of socket) text += String(part)
    socket.end(`${named} ${text}`)
  }
  const names = new Map<Socket, string>()
  const inside =
    pair &&
    tls.createServer({ ...pair, allowHalfOpen: true }, (socket) => {
      const [named = ''] = names.values()
      void answer(socket, named).catch(() => undefined)
    })
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    let bytes = Buffer.alloc(0)
    socket.on('data', function read(part: Buffer) {
      bytes = Buffer.concat([bytes, part])
      const header = readProxyHeader(bytes)
      if (typeof header === 'string') return
      const named = `${header.source?.address} ${header.source?.port}`
      socket.off('data', read)
      socket.pause()
      socket.unshift(bytes.subarray(header.length))
      names.set(socket, named)
      if (inside === undefined) void answer(socket, named).catch(() => undefined)
      else inside.emit('connection', socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
