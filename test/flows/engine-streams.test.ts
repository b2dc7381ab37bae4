import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import { openRawClient } from '../harness/open-raw-client.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const before = (port: number, more: Record<string, unknown> = {}, route: object = {}) =>
  openGateway({
    services: [{ name: 'all', host: '127.0.0.1', port, retries: 0, ...more }],
    routes: [{ paths: ['/'], service: 'all', strip_path: false, ...route }],
  })

/** An upstream on a raw socket. */
async function startRaw(talk: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    talk(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as net.AddressInfo).port
}

test('forwards server-sent events one by one', async () => {
  let stream: http.ServerResponse | undefined
  const upstream = await startUpstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    stream = response
  })
  const gateway = await before(upstream.port)
  const request = http.get({ port: gateway.port, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  for (let event = 0; event < 20; event += 1) {
    stream?.write(`data: ${event}\n\n`)
    const [bytes] = (await once(response, 'data')) as [Buffer]
    expect(bytes.toString()).toBe(`data: ${event}\n\n`)
  }
  expect(gateway.events).toEqual([])
  request.destroy()
  await until('the stream is recorded', () => gateway.events.length === 1)
})

test('forwards a response that begins before the request body ends', async () => {
  const port = await startRaw((socket) => {
    socket.once('data', () =>
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'),
    )
  })
  const gateway = await before(port, {}, { request_buffering: false })
  const wire = openRawClient(gateway.port)
  await wire.send([
    Buffer.from(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n${'x'.repeat(50_000)}`,
    ),
  ])
  expect(await wire.until(() => wire.answers.length === 1)).toBe(true)
  expect([wire.answers[0]?.start, wire.answers[0]?.body]).toEqual(['HTTP/1.1 403 Forbidden', 'no'])
  // The gateway either closes the connection or discards the rest of the body; it sends no second response.
  wire.end()
  await wire.until(() => wire.closed)
  expect(wire.answers).toHaveLength(1)
  expect(gateway.events).toMatchObject([{ status: 403, upstream_status: 403 }])
})

test.each([
  ['of a known length', 'Content-Length: 100\r\n\r\nhalf'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['in the middle of a chunk', 'Transfer-Encoding: chunked\r\n\r\nff\r\nhalf'],
])('breaks the connection when a response %s is cut short', async (_form, answer) => {
  const port = await startRaw((socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${answer}`)
      setTimeout(() => socket.destroy(), 30)
    })
  })
  const gateway = await before(port)
  const wire = openRawClient(gateway.port)
  await wire.send([Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2))])
  expect(await wire.until(() => wire.closed)).toBe(true)
  expect(wire.answers.map(({ body, whole }) => [body, whole])).toEqual([['half', false]])
  expect(gateway.events[0]).toMatchObject({ status: 200, outcome: 'failed' })
})

test('returns 502 when the service closes without a response, and keeps the client connection open', async () => {
  const port = await startRaw((socket) => void socket.once('data', () => socket.destroy()))
  const gateway = await before(port)
  const wire = openRawClient(gateway.port)
  await wire.send([Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3))])
  expect(await wire.until(() => wire.answers.length === 3)).toBe(true)
  expect(wire.answers.map(({ start }) => start)).toEqual(Array(3).fill('HTTP/1.1 502 Bad Gateway'))
  wire.destroy()
})

test('replaces an idle connection that the service closed', async () => {
  let connections = 0
  const port = await startRaw((socket) => {
    connections += 1
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      setImmediate(() => socket.end())
    })
  })
  const gateway = await before(port, { retries: 5 })
  for (let sent = 0; sent < 20; sent += 1) expect((await gateway.ask('/')).status).toBe(200)
  expect(connections).toBe(20)
})

test('applies back-pressure to an upload when the service reads slowly', async () => {
  let sink: IncomingMessage | undefined
  const upstream = await startUpstream((request) => {
    request.pause()
    sink = request
  })
  const gateway = await before(upstream.port)
  const socket = net.connect(gateway.port, '127.0.0.1').on('error', () => undefined)
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n')
  const part = Buffer.alloc(65_536)
  let sent = 0
  const fill = (): void => {
    while (socket.writable && socket.write(part)) sent += part.length
  }
  socket.on('drain', fill)
  fill()
  await until('the service got the head', () => sink)
  let last = -1
  const isStill = (): boolean => last === (last = sent)
  let still = 0
  await until('nothing more is taken', () => (still = isStill() ? still + 1 : 0) > 10)
  // Kernel socket buffers on both hops, and a small buffer of the gateway.
  expect(sent).toBeLessThan(40_000_000)
  sink?.resume()
  await until('it goes on', () => sent > 60_000_000)
  socket.destroy()
})
