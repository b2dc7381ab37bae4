import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { freeUdpPort, startUdpLoad, startUdpServer } from '../harness/open-udp-client.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'
import { untilClosed } from '../harness/until-closed.ts'

const authority = await makeAuthority('test authority')

/** A server for the duration of the test. */
async function startServer(
  answer: (socket: Socket) => void,
  make: (accept: (socket: Socket) => void) => net.Server = (accept) =>
    net.createServer({ allowHalfOpen: true }, accept),
): Promise<number> {
  const sockets = new Set<Socket>()
  const server = make((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    answer(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const gatewayTo = (port: number, protocol: string, route: object, more: object = {}) => ({
  services: [{ name: 'raw', host: '127.0.0.1', port, protocol, retries: 0 }],
  routes: [{ name: 'raw', service: 'raw', strip_path: false, ...route }],
  ...more,
})
const fromHere = { protocols: ['tcp'], sources: [{ ip: '127.0.0.0/8' }] }

async function all(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  await once(socket, 'end')
  return Buffer.concat(parts)
}

test('forwards bytes both ways, and records a connection as one event before its end', async () => {
  const port = await startServer((socket) => void socket.pipe(socket))
  const gateway = await openGateway(gatewayTo(port, 'tcp', fromHere))
  const bytes = Buffer.alloc(8_388_608, 'weir ')
  const client = net.connect({ port: gateway.streamPort, host: '127.0.0.1', allowHalfOpen: true })
  const answer = all(client)
  client.end(bytes)
  expect((await answer).equals(bytes)).toBe(true)
  expect(gateway.events).toHaveLength(1)
  expect(gateway.events[0]).toMatchObject({
    scheme: 'tcp',
    outcome: 'allowed',
    status: 200,
    route_name: 'raw',
    request_bytes: bytes.length,
    response_bytes: bytes.length,
    target: `127.0.0.1:${port}`,
  })
})

test('forwards the bytes of a server that sends first', async () => {
  const port = await startServer((socket) => void socket.end('220 ready\r\n'))
  const gateway = await openGateway(gatewayTo(port, 'tcp', fromHere))
  expect(String(await all(net.connect(gateway.streamPort, '127.0.0.1')))).toBe('220 ready\r\n')
})

test('closes without a route, records a failed target, and closes the target when the client disconnects', async () => {
  let isGone = false
  const port = await startServer((socket) => {
    socket.write('hello')
    socket.resume().on('end', () => (isGone = true))
  })
  const elsewhere = { protocols: ['tcp'], sources: [{ ip: '10.0.0.0/8' }] }
  const gateway = await openGateway(gatewayTo(port, 'tcp', elsewhere))
  const connect = (): Socket => {
    const socket = net.connect(gateway.streamPort, '127.0.0.1')
    return socket.on('error', () => undefined).resume()
  }
  await once(connect(), 'close')
  expect(gateway.events).toEqual([])
  gateway.reconfigure(gatewayTo(1, 'tcp', fromHere))
  await once(connect(), 'close')
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'failed', status: 502 })
  gateway.reconfigure(gatewayTo(port, 'tcp', fromHere))
  const client = connect()
  await once(client, 'data')
  client.resetAndDestroy()
  await until('the target is let go', () => isGone)
  await until('it is recorded', () => gateway.events.length === 2)
  expect(gateway.events[1]).toMatchObject({ outcome: 'failed', reason: 'client.closed' })
})

test('terminates TLS for a tls route, and passes it through for a tls_passthrough route', async () => {
  const pair = await authority.issue({ names: ['inside.example'] })
  const shown = await authority.issue({ names: ['shop.example'] })
  const plainPort = await startServer((socket) => void socket.pipe(socket))
  const tlsPort = await startServer(
    (socket) => void socket.pipe(socket),
    (accept) => tls.createServer(pair, accept),
  )
  const gateway = await openGateway({
    services: [
      { name: 'plain', host: '127.0.0.1', port: plainPort, protocol: 'tcp' },
      { name: 'whole', host: '127.0.0.1', port: tlsPort, protocol: 'tls_passthrough' },
      { name: 'again', host: '127.0.0.1', port: tlsPort, protocol: 'tls' },
    ],
    routes: [
      { service: 'plain', protocols: ['tls'], snis: ['shop.example'] },
      { service: 'whole', protocols: ['tls_passthrough'], snis: ['inside.example'] },
      { service: 'again', protocols: ['tls'], snis: ['again.example'] },
    ],
    certificates: { 'shop.example': shown, 'again.example': shown },
  })
  const talk = async (servername: string): Promise<[string, string]> => {
    const socket = tls.connect({
      port: gateway.secureStreamPort,
      host: '127.0.0.1',
      servername,
      ca: authority.cert,
      checkServerIdentity: () => undefined,
    })
    await once(socket, 'secureConnect')
    const name = socket.getPeerX509Certificate()?.subject ?? ''
    const answer = all(socket)
    socket.end('hello')
    return [name, String(await answer)]
  }
  expect(await talk('shop.example')).toEqual(['CN=shop.example', 'hello'])
  expect(await talk('inside.example')).toEqual(['CN=inside.example', 'hello'])
  expect(await talk('again.example')).toEqual(['CN=shop.example', 'hello'])
  await until('all are recorded', () => gateway.events.length === 3)
  expect(gateway.events.map(({ scheme, host }) => [scheme, host])).toEqual([
    ['tls', 'shop.example'],
    ['tls', 'inside.example'],
    ['tls', 'again.example'],
  ])
})

test('a tls route that precedes a tls_passthrough route terminates TLS', async () => {
  const pair = await authority.issue({ names: ['shop.example'] })
  const port = await startServer((socket) => void socket.end('terminated'))
  const gateway = await openGateway({
    services: [{ name: 'plain', host: '127.0.0.1', port, protocol: 'tcp' }],
    routes: [
      { service: 'plain', protocols: ['tls'], snis: ['shop.example'] },
      { service: 'plain', protocols: ['tls_passthrough'], sources: [{ ip: '127.0.0.0/8' }] },
    ],
    certificates: { 'shop.example': pair },
  })
  const where = { port: gateway.secureStreamPort, host: '127.0.0.1', ca: authority.cert }
  const socket = tls.connect({ ...where, servername: 'shop.example' })
  expect(String(await all(socket))).toBe('terminated')
})

test('a complete Weir forwards streams on its configured addresses, and loses no datagram while workers are replaced', async () => {
  const port = await startServer((socket) => void socket.pipe(socket))
  const echo = await startUdpServer()
  const [open, secure, udp] = [await freePort(), await freePort(), await freeUdpPort()]
  const listens = [`${open}`, `${secure} ssl`, `${udp} udp reuseport`]
  const weir = await startWeir({
    env: { WEIR_STREAM_LISTEN: listens.map((listen) => `127.0.0.1:${listen}`).join(', ') },
  })
  await weir.admin('PUT', '/services/raw', { host: '127.0.0.1', port, protocol: 'tcp' })
  const route = {
    protocols: ['tcp', 'tls'],
    destinations: [{ port: open }, { port: secure }],
    strip_path: false,
    service: { name: 'raw' },
  }
  const made = await weir.admin('PUT', '/routes/raw', route)
  expect([made.status, await made.json()]).toMatchObject([200, { protocols: ['tcp', 'tls'] }])
  const talk = async (socket: Socket): Promise<string> => {
    socket.on('error', () => undefined)
    const answer = all(socket)
    socket.end('hello')
    return String(await Promise.race([answer, untilClosed(socket).then(() => '')]))
  }
  const where = { host: '127.0.0.1', rejectUnauthorized: false }
  await until('plain', async () => (await talk(net.connect(open, '127.0.0.1'))) === 'hello')
  await until(
    'secure',
    async () => (await talk(tls.connect({ ...where, port: secure }))) === 'hello',
  )
  await weir.admin('PUT', '/services/echo', {
    url: `udp://127.0.0.1:${echo.port}`,
    read_timeout: 1_000,
  })
  const datagrams = { protocols: ['udp'], destinations: [{ port: udp }], service: { name: 'echo' } }
  expect((await weir.admin('PUT', '/routes/datagrams', datagrams)).status).toBe(200)
  await weir.untilApplied()
  const load = await startUdpLoad(udp)
  await until('datagrams pass', () => load.answered() > 10)
  const workers = weir.children('weir gateway')
  weir.process.kill('SIGHUP')
  await until('the workers are new', () => {
    const now = weir.children('weir gateway')
    return now.length === 2 && now.every((pid) => !workers.includes(pid))
  })
  const before = load.answered()
  await until('the new workers answer', () => load.answered() > before + 10)
  expect(await load.stop()).toEqual([])
  const query = { measures: ['requests.count'], dimensions: ['requests.scheme'] }
  await until('all are on record', async () => (await weir.query(query)).data.length === 3)
}, 180_000)

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => void server.close(resolve))
  return port
}

test('ip-restriction refuses streams, recorded with plugin and reason, and only those of its protocols', async () => {
  const port = await startServer((socket) => void socket.pipe(socket))
  const input = (protocols: readonly string[], config: object) => ({
    ...gatewayTo(port, 'tcp', fromHere),
    plugins: [{ name: 'ip-restriction', protocols, config }],
  })
  const gateway = await openGateway(input(['tcp'], { deny: ['127.0.0.0/8'] }))
  const ask = async (): Promise<string> => {
    const client = net.connect({ port: gateway.streamPort, host: '127.0.0.1' })
    client.on('error', () => undefined)
    client.end('hello')
    const parts: Buffer[] = []
    client.on('data', (part: Buffer) => parts.push(part))
    await untilClosed(client)
    return Buffer.concat(parts).toString()
  }
  const deny = { deny: ['127.0.0.0/8'] }
  expect(await ask()).toBe('')
  await until('the event', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({
    scheme: 'tcp',
    outcome: 'denied',
    denied_by: 'ip-restriction',
    reason: 'ip-restriction.address',
    status: 403,
    tries: 0,
  })
  expect((await gateway.ask('/')).status).toBe(404)
  for (const [protocols, config] of [
    [['http', 'https'], deny],
    [['udp', 'tls'], deny],
    [['tcp'], { allow: ['127.0.0.1'] }],
  ] as const) {
    gateway.reconfigure(input(protocols, config))
    expect(await ask()).toBe('hello')
  }
  gateway.reconfigure(input(['tcp', 'http'], { allow: ['192.0.2.1'] }))
  expect(await ask()).toBe('')
})
