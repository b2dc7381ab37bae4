import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import http, { Agent } from 'node:http'
import http2, { type ClientHttp2Session } from 'node:http2'
import net from 'node:net'
import { availableParallelism } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { defaultAdmissionLimits } from '../../src/proxy/limits.ts'
import { forkGateway } from '../harness/fork-gateway.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { openRawClient } from '../harness/open-raw-client.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'
import { untilClosed } from '../harness/until-closed.ts'

const everything = (port: number) => ({
  services: [{ name: 'api', host: '127.0.0.1', port, read_timeout: 60_000, retries: 0 }],
  routes: [{ name: 'all', paths: ['/'], service: 'api' }],
})

/** Holds requests until released, then answers at once. */
async function startHangingUpstream() {
  const held: ServerResponse[] = []
  let isHanging = true
  const { port } = await startUpstream((_request, response) =>
    isHanging ? held.push(response) : response.end('ok'),
  )
  return {
    port,
    held,
    release() {
      isHanging = false
      for (const response of held) response.end('ok')
    },
  }
}

type Refusal = { status: number; retryAfter: string | undefined }

/** Sends requests on keep-alive connections. */
function openAsker(port: number, sockets: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets })
  onTestFinished(() => agent.destroy())
  return (): Promise<Refusal> => {
    return new Promise((resolve, reject) => {
      const request = http.get({ agent, port, host: '127.0.0.1' }, (response) => {
        response.resume().on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            retryAfter: response.headers['retry-after'],
          }),
        )
      })
      request.on('error', reject)
    })
  }
}

function connect(port: number): ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  return session
}

async function statusOf(session: ClientHttp2Session, fields = {}): Promise<number> {
  const stream = session.request({ ':path': '/', ...fields })
  const [head] = (await once(stream.resume(), 'response')) as [http2.IncomingHttpHeaders]
  if (!stream.closed) await once(stream, 'close')
  return Number(head[':status'])
}

test('refuses thousands of requests in bounded memory while a service hangs, completes those in flight, and recovers', async () => {
  const upstream = await startHangingUpstream()
  const gateway = await forkGateway({
    words: everything(upstream.port),
    admission: { inFlight: 50, waiting: 50 },
  })
  const ask = openAsker(gateway.port, 50)
  const inFlight = Array.from({ length: 50 }, ask)
  await until('all places are taken', () => upstream.held.length === 50)
  const flood = async (askOne: () => Promise<Refusal>, count: number): Promise<Refusal[]> => {
    const responses: Refusal[] = []
    const asker = async (): Promise<void> => {
      while (responses.length < count) responses.push(await askOne())
    }
    await Promise.all(Array.from({ length: 200 }, asker))
    return responses
  }
  const askMore = openAsker(gateway.port, 200)
  await flood(askMore, 2_000)
  const before = gateway.memory()
  const responses = await flood(askMore, 6_000)
  expect(gateway.memory() - before).toBeLessThan(40)
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([503]))
  expect(new Set(responses.map(({ retryAfter }) => retryAfter))).toEqual(new Set(['1']))
  expect(upstream.held).toHaveLength(50)
  upstream.release()
  for (const { status } of await Promise.all(inFlight)) expect(status).toBe(200)
  expect((await flood(ask, 500)).map(({ status }) => status)).not.toContain(503)
})

test('refuses no request of a modest load while other processes keep every core busy', async () => {
  const upstream = await startUpstream((_request, response) => response.end('ok'))
  const words = everything(upstream.port)
  const gateway = await forkGateway({ words, admission: defaultAdmissionLimits })
  const busy = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  )
  onTestFinished(() => busy.forEach((child) => child.kill('SIGKILL')))
  const ask = openAsker(gateway.port, 100)
  let left = 2_000
  const statuses = new Map<number, number>()
  const asker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const { status } = await ask()
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 100 }, asker))
  expect([...statuses]).toEqual([[200, 2_000]])
}, 180_000)

test('a connection with a hundred streams does not delay ten with one request each', async () => {
  const upstream = await startUpstream(
    (_request: IncomingMessage, response: ServerResponse) =>
      void setTimeout(() => response.end('ok'), 10),
  )
  const admission = { inFlight: 4, waiting: 60 }
  const gateway = await openGateway(everything(upstream.port), { admission })
  const session = connect(gateway.port)
  const greedy: number[] = []
  let isOver = false
  const streams = Array.from({ length: 100 }, async () => {
    while (!isOver) greedy.push(await statusOf(session))
  })
  await until('it is greedy', () => greedy.includes(503))
  const modest = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const ask = openAsker(gateway.port, 1)
      const responses: number[] = []
      while (responses.length < 15) responses.push((await ask()).status)
      return responses
    }),
  )
  isOver = true
  await Promise.all(streams)
  expect(new Set(modest.flat())).toEqual(new Set([200]))
  expect(greedy, 'it gets what the others leave').toContain(200)
})

test('records a refused request with its reason, and refuses a gRPC call with a gRPC status', async () => {
  const upstream = await startHangingUpstream()
  const admission = { inFlight: 1, waiting: 0 }
  const gateway = await openGateway(everything(upstream.port), { admission })
  const first = gateway.ask('/')
  await until('its place is taken', () => upstream.held.length === 1)
  const refused = await gateway.ask('/refused')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  const call = connect(gateway.port).request({
    ':method': 'POST',
    'content-type': 'application/grpc',
  })
  const [head] = (await once(call.resume(), 'response')) as [http2.IncomingHttpHeaders]
  expect(head).toMatchObject({ ':status': 200, 'grpc-status': '14', 'retry-after': '1' })
  for (const event of gateway.events) {
    expect(event).toMatchObject({ status: 503, outcome: 'failed', reason: 'admission.full' })
    expect(event.route_name).toBe('all')
  }
  expect(gateway.events).toHaveLength(2)
  upstream.release()
  expect((await first).status).toBe(200)
  expect((await gateway.ask('/')).status).toBe(200)
})

test('removes a waiting request whose client disconnected', async () => {
  const upstream = await startHangingUpstream()
  const admission = { inFlight: 1, waiting: 1 }
  const gateway = await openGateway(everything(upstream.port), { admission })
  const first = gateway.ask('/')
  await until('its place is taken', () => upstream.held.length === 1)
  const stream = connect(gateway.port).request({ ':path': '/left' })
  stream.on('error', () => undefined)
  await until('the line is full', async () => (await gateway.ask('/refused')).status === 503)
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await until('it is recorded', () => gateway.events.some(({ path }) => path === '/left'))
  expect(gateway.events.find(({ path }) => path === '/left')?.reason).toMatch(
    /client\.closed|admission\.late/,
  )
  upstream.release()
  expect((await first).status).toBe(200)
})

test('answers 503 on a connection over the limit, closes and records it', async () => {
  const upstream = await startHangingUpstream()
  const gateway = await openGateway(everything(upstream.port), { admission: { connections: 2 } })
  const busy = [openAsker(gateway.port, 1)(), openAsker(gateway.port, 1)()]
  await until('both are busy', () => upstream.held.length === 2)
  const more = net.connect(gateway.port, '127.0.0.1')
  let received = ''
  more.on('data', (bytes) => (received += String(bytes)))
  await untilClosed(more)
  expect(received).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 1\r\n[^]*connection: close\r\n/i)
  const secure = net.connect(gateway.securePort, '127.0.0.1').on('error', () => undefined)
  await untilClosed(secure)
  const reasons = gateway.events.map(({ reason, client_address: from }) => [reason, from])
  expect(reasons).toEqual(Array.from({ length: 2 }, () => ['admission.connections', '127.0.0.1']))
  upstream.release()
  for (const { status } of await Promise.all(busy)) expect(status).toBe(200)
})

test('at the limit closes a connection that sent nothing for a new one', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port), { admission: { connections: 1 } })
  const silent = net.connect(gateway.port, '127.0.0.1').resume()
  await once(silent, 'connect')
  expect((await gateway.ask('/')).status, 'it has a second to speak').toBe(503)
  await until('there is room', async () => (await gateway.ask('/')).status === 200)
  await until('it was closed', () => silent.closed)
})

test('at the limit closes the connection that is idle longest for a new one', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port), { admission: { connections: 2 } })
  const [older, newer] = [connect(gateway.port), connect(gateway.port)]
  for (const session of [older, newer]) expect(await statusOf(session)).toBe(200)
  await until('there is room', async () => (await gateway.ask('/')).status === 200)
  await until('it was closed', () => older.destroyed)
  expect(newer.destroyed).toBe(false)
})

test('at the limit closes an idle HTTP/1.1 connection for a new one', async () => {
  const upstream = await startUpstream()
  const gateway = await openGateway(everything(upstream.port), { admission: { connections: 2 } })
  const [older, newer] = [openRawClient(gateway.port), openRawClient(gateway.port)]
  for (const wire of [older, newer]) {
    await wire.send([Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')])
    expect(await wire.until(() => wire.answers.length === 1)).toBe(true)
  }
  await until('there is room', async () => (await gateway.ask('/')).status === 200)
  await until('it was closed', () => older.closed)
  expect(newer.closed).toBe(false)
})
