import net from 'node:net'
import { expect, test } from 'vitest'
import { openGateway, type GatewayOptions } from '../harness/open-gateway.ts'
import { openRawClient, type RawClient } from '../harness/open-raw-client.ts'
import { fieldOf } from '../harness/read-messages.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'
import { untilClosed } from '../harness/until-closed.ts'

type Listener = Parameters<typeof startUpstream>[0]

/** A gateway with one upstream. */
async function openBefore(answer: Listener, limits: GatewayOptions['limits'] = {}) {
  const upstream = await startUpstream(answer)
  const service = { name: 'all', host: '127.0.0.1', port: upstream.port }
  const routes = [{ paths: ['/'], service: 'all', strip_path: false }]
  return openGateway({ services: [service], routes }, { limits })
}

const echoPath: Listener = (request, response) => response.end(request.url)

const send = (wire: RawClient, text: string): Promise<void> =>
  wire.send([Buffer.from(text, 'latin1')])
const bodies = ({ answers }: RawClient): string[] => answers.map(({ body }) => body)
const starts = ({ answers }: RawClient): string[] => answers.map(({ start }) => start)
const head = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`

test('answers pipelined requests in order', async () => {
  const gateway = await openBefore((request, response) => {
    // The first requests are slower.
    const wait = 40 - 4 * Number(request.url?.slice(1))
    setTimeout(() => response.end(request.url), wait)
  })
  const wire = openRawClient(gateway.port)
  const paths = Array.from({ length: 10 }, (_, at) => `/${at}`)
  await send(wire, paths.map((path) => head(path)).join(''))
  expect(await wire.until(() => wire.answers.length === 10)).toBe(true)
  expect(bodies(wire)).toEqual(paths)
  wire.destroy()
})

test('treats a half-closed connection as a disconnected client, as nginx does', async () => {
  const service = { isAsked: false, isDropped: false }
  const gateway = await openBefore((request) => {
    service.isAsked = true
    request.on('close', () => (service.isDropped = true))
  })
  const wire = openRawClient(gateway.port)
  await send(wire, head('/1'))
  await until('the request arrived', () => service.isAsked)
  wire.end()
  expect(await wire.until(() => wire.closed)).toBe(true)
  await until(
    'it was recorded and the service let go',
    () => service.isDropped && gateway.events[0],
  )
  expect(gateway.events).toMatchObject([{ status: 499, reason: 'client.closed' }])
})

test('sends 100 Continue to a client that expects it', async () => {
  const gateway = await openBefore(async (request, response) => {
    response.end((await request.toArray()).join(''))
  })
  const wire = openRawClient(gateway.port)
  await send(
    wire,
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
  )
  expect(await wire.until(() => wire.interims.length === 1)).toBe(true)
  expect(wire.interims[0]?.start).toBe('HTTP/1.1 100 Continue')
  expect(wire.answers).toEqual([])
  await send(wire, 'hello')
  await wire.until(() => wire.answers.length === 1)
  expect(bodies(wire)).toEqual(['hello'])
  wire.destroy()
})

test('sends no 100 Continue when the request is refused', async () => {
  const gateway = await openGateway({ routes: [{ paths: ['/nowhere'] }] })
  const wire = openRawClient(gateway.port)
  await send(
    wire,
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
  )
  await wire.until(() => wire.answers.length === 1)
  expect([starts(wire), wire.interims]).toEqual([['HTTP/1.1 404 Not Found'], []])
  wire.destroy()
})

test('sends no body with 204, 304 and HEAD, and keeps the connection open', async () => {
  const gateway = await openBefore((request, response) => {
    const status = Number(request.url?.slice(1))
    response.writeHead(status, status === 200 ? { 'content-length': '1000' } : { etag: '"x"' })
    response.end()
  })
  const wire = openRawClient(gateway.port)
  wire.methodOf = (answer) => (answer === 0 ? 'HEAD' : 'GET')
  const first = 'HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n'
  await send(wire, first + head('/204') + head('/304') + head('/205'))
  await wire.until(() => wire.answers.length === 4)
  expect(starts(wire).map((start) => start.slice(9, 12))).toEqual(['200', '204', '304', '205'])
  expect(bodies(wire).join('')).toBe('')
  expect(fieldOf(wire.answers[0]?.fields ?? [], 'content-length')).toBe('1000')
  expect(fieldOf(wire.answers[1]?.fields ?? [], 'content-length')).toBeUndefined()
  expect(fieldOf(wire.answers[1]?.fields ?? [], 'transfer-encoding')).toBeUndefined()
  expect([wire.closed, wire.complaints]).toEqual([false, []])
  wire.destroy()
})

test.each([
  ['is closed after its answer', '', true],
  ['is kept when it asks for that', 'Connection: keep-alive\r\n', false],
])('the connection of an HTTP/1.0 client %s', async (_what, field, closes) => {
  const gateway = await openBefore((request, response) => {
    response.setHeader('content-length', request.url?.length ?? 0)
    response.end(request.url)
  })
  const wire = openRawClient(gateway.port)
  await send(wire, `GET /old HTTP/1.0\r\n${field}\r\n`)
  await wire.until(() => wire.answers.length === 1)
  expect(bodies(wire)).toEqual(['/old'])
  await send(wire, `GET /again HTTP/1.0\r\n${field}\r\n`)
  await wire.until(() => wire.closed || wire.answers.length === 2)
  expect(bodies(wire)).toEqual(closes ? ['/old'] : ['/old', '/again'])
  expect(wire.closed).toBe(closes)
  wire.destroy()
})

test('sends a response of unknown length to an HTTP/1.0 client without chunks, and closes', async () => {
  const gateway = await openBefore((_request, response) => {
    response.write('one ')
    setTimeout(() => response.end('two'), 20)
  })
  const wire = openRawClient(gateway.port)
  await send(wire, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  expect(await wire.until(() => wire.closed)).toBe(true)
  expect(bodies(wire)).toEqual(['one two'])
  expect(fieldOf(wire.answers[0]?.fields ?? [], 'transfer-encoding')).toBeUndefined()
})

test('closes the connection after Connection: close, and sends the field', async () => {
  const gateway = await openBefore(echoPath)
  const wire = openRawClient(gateway.port)
  await send(wire, head('/1', 'Connection: close\r\n') + head('/2'))
  expect(await wire.until(() => wire.closed)).toBe(true)
  expect(bodies(wire)).toEqual(['/1'])
  expect(fieldOf(wire.answers[0]?.fields ?? [], 'connection')).toBe('close')
  expect(gateway.events).toHaveLength(1)
})

test('closes an idle connection after its timeout without a response', async () => {
  const gateway = await openBefore(echoPath, { idleMilliseconds: 1_500 })
  const wire = openRawClient(gateway.port)
  await send(wire, head('/1'))
  await wire.until(() => wire.answers.length === 1)
  expect(await wire.until(() => wire.closed)).toBe(true)
  expect(wire.answers).toHaveLength(1)
})

/** Sends a byte every 20 ms until the socket closes. */
async function drip(port: number, first: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (bytes) => (received += String(bytes)))
  socket.on('error', () => undefined)
  socket.write(first)
  const dripping = setInterval(() => socket.writable && socket.write('x'), 20)
  await untilClosed(socket)
  clearInterval(dripping)
  return received
}

test('returns 408 to clients that send their head byte by byte, and serves others meanwhile', async () => {
  const gateway = await openBefore(echoPath, { headMilliseconds: 400 })
  const slow = Array.from({ length: 50 }, () =>
    drip(gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\nX: '),
  )
  for (let sent = 0; sent < 10; sent += 1) expect((await gateway.ask('/')).status).toBe(200)
  for (const received of await Promise.all(slow)) expect(received).toMatch(/^HTTP\/1\.1 408 /)
})

test('closes a connection that sends empty lines without end, and does not buffer them', async () => {
  const gateway = await openBefore(echoPath, { headMilliseconds: 400, idleMilliseconds: 400 })
  const socket = net.connect(gateway.port, '127.0.0.1').on('error', () => undefined)
  const closed = untilClosed(socket)
  const lines = Buffer.from('\r\n'.repeat(500))
  const sending = setInterval(() => socket.writable && socket.write(lines), 10)
  socket.resume()
  await closed
  clearInterval(sending)
  expect((await gateway.ask('/')).status).toBe(200)
})

test('returns 408 when a body stalls', async () => {
  const gateway = await openBefore(
    async (request, response) =>
      response.end(String((await request.toArray().catch(() => [])).length)),
    { bodyMilliseconds: 300 },
  )
  const stopped = Array.from({ length: 20 }, async () => {
    const wire = openRawClient(gateway.port)
    await send(wire, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc')
    expect(await wire.until(() => wire.closed)).toBe(true)
    return starts(wire)[0]
  })
  for (const start of await Promise.all(stopped)) expect(start).toMatch(/^HTTP\/1\.1 408 /)
  await until('all are recorded', () => gateway.events.length === 20)
  expect(new Set(gateway.events.map(({ status }) => status))).toEqual(new Set([408]))
})

test('sends no body with a refused HEAD request', async () => {
  const gateway = await openBefore(echoPath)
  for (const host of ['', 'Host: a\r\nHost: b\r\n', 'Host: a b\r\n']) {
    const socket = net.connect(gateway.port, '127.0.0.1')
    socket.write(`HEAD / HTTP/1.1\r\n${host}\r\n`)
    let received = ''
    socket.on('data', (bytes) => (received += String(bytes)))
    await untilClosed(socket)
    expect(received).toMatch(/^HTTP\/1\.1 400 [^]*\r\n\r\n$/)
  }
})
