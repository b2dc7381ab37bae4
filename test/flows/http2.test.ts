import { once } from 'node:events'
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { expect, onTestFinished, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import {
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  openRawHttp2,
  post,
} from '../harness/open-raw-http2.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

/** A prior-knowledge connection, closed after the test. */
function connect(port: number): ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  return session
}

async function read(stream: ClientHttp2Stream): Promise<{ status: number; text: string }> {
  let text = ''
  stream.on('data', (chunk) => (text += String(chunk)))
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  if (!stream.readableEnded) await once(stream, 'end')
  return { status: Number(head[':status']), text }
}

const everything = (port: number) => ({
  services: [{ name: 'api', host: '127.0.0.1', port }],
  routes: [{ name: 'all', paths: ['/'], service: 'api' }],
})

test('serves the streams of a connection concurrently, and records each', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port))
  const session = connect(gateway.port)
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': `/n/${index}?a=1`,
        cookie: ['a=1', 'b=2'],
      })
      stream.end(`body ${index}`)
      return read(stream)
    }),
  )
  for (const [index, { status, text }] of answers.entries()) {
    const seen = JSON.parse(text) as Echo
    expect([status, seen.url, seen.body]).toEqual([200, `/n/${index}?a=1`, `body ${index}`])
    expect(seen.headers['cookie']).toBe('a=1; b=2')
  }
  expect(gateway.events).toHaveLength(50)
  expect(gateway.events[0]).toMatchObject({ status: 200, outcome: 'allowed', request_bytes: 6 })
})

test('forwards an empty body that ends with its head, before the service is connected', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway({
    services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
    routes: [{ paths: ['/'], service: 'api', request_buffering: false }],
  })
  const raw = openRawHttp2(gateway.port)
  await raw.send(Buffer.concat([frame(HEADERS, END_HEADERS, 1, post), frame(DATA, END_STREAM, 1)]))
  await until('it is answered', () => raw.endOf(1) === '200')
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ status: 200, request_bytes: 0 })
})

test('ends the streams of a refusal, a HEAD and an empty response', async () => {
  const upstream = await startUpstream((request, response) => {
    response.statusCode = request.url === '/none' ? 204 : 200
    response.end(request.url === '/none' ? undefined : 'text')
  })
  const { services } = everything(upstream.port)
  const gateway = await openGateway({
    services,
    routes: [{ hosts: ['known.example'], service: 'api' }],
  })
  const session = connect(gateway.port)
  const ask = (path: string, method: string, authority = 'known.example') =>
    read(session.request({ ':path': path, ':method': method, ':authority': authority }))
  expect(await ask('/', 'GET', 'other.example')).toMatchObject({ status: 404 })
  expect(await ask('/', 'HEAD')).toEqual({ status: 200, text: '' })
  expect(await ask('/none', 'GET')).toEqual({ status: 204, text: '' })
  expect(await ask('/', 'GET')).toEqual({ status: 200, text: 'text' })
})

test('aborts the upstream request of a stream that the client resets, and records 499', async () => {
  let isGone = false
  const upstream = await startUpstream((request, response) => {
    response.write('first')
    request.on('close', () => (isGone = true))
  })
  const gateway = await openGateway(everything(upstream.port))
  const stream = connect(gateway.port).request({ ':path': '/' })
  await once(stream, 'data')
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await until('the service is let go', () => isGone)
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'failed', reason: 'client.closed' })
})

test('forwards 32 MiB both ways through a slow reader', async () => {
  const upstream = await startUpstream((request, response) => request.pipe(response))
  const gateway = await openGateway(everything(upstream.port))
  const stream = connect(gateway.port).request({ ':path': '/', ':method': 'POST' })
  const part = Buffer.alloc(1_048_576, 'x')
  let received = 0
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received % 7 === 0) {
      stream.pause()
      setImmediate(() => stream.resume())
    }
  })
  for (let sent = 0; sent < 32; sent += 1) if (!stream.write(part)) await once(stream, 'drain')
  stream.end()
  await once(stream, 'end')
  expect(received).toBe(32 * part.length)
})

test('draining sends GOAWAY, completes open streams and accepts no others', async () => {
  let finish = (): void => undefined
  const upstream = await startUpstream((_request, response) => {
    response.write('begun ')
    finish = () => void response.end('ended')
  })
  const gateway = await openGateway(everything(upstream.port))
  const session = connect(gateway.port)
  const goodbye = once(session, 'goaway')
  const stream = session.request({ ':path': '/' })
  const answer = read(stream)
  await once(stream, 'response')
  const drained = gateway.proxy.drain(5_000)
  await goodbye
  finish()
  expect(await answer).toEqual({ status: 200, text: 'begun ended' })
  await drained
})

test('a flood of stream resets closes its connection and no other', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port))
  const [bad, good] = [connect(gateway.port), connect(gateway.port)]
  const closed = new Promise((resolve) => void bad.on('close', resolve))
  const flood = async (): Promise<void> => {
    while (!bad.destroyed && !bad.closed) {
      for (let index = 0; index < 100; index += 1) {
        if (bad.destroyed || bad.closed) break
        const stream = bad.request({ ':path': '/' })
        stream.on('error', () => undefined)
        stream.close(http2.constants.NGHTTP2_CANCEL)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.race([flood(), closed])
  await closed
  expect(await read(good.request({ ':path': '/' }))).toMatchObject({ status: 200 })
})

test('rejects and records a head over the limit, and keeps the connection open', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port))
  const session = connect(gateway.port)
  const large = { ':path': '/', 'x-large': 'x'.repeat(40_000) }
  expect(await read(session.request(large))).toMatchObject({ status: 431 })
  expect(await read(session.request({ ':path': '*', ':method': 'OPTIONS' }))).toMatchObject({
    status: 400,
  })
  expect(gateway.events.map(({ status }) => status)).toEqual([431, 400])
  expect(await read(session.request({ ':path': '/' }))).toMatchObject({ status: 200 })
})
