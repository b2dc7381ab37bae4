import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { forkGateway, type ForkedGateway } from '../harness/fork-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const size = 384 * 1024 * 1024
const chunk = Buffer.alloc(65_536)

function* zeros(bytes: number): Generator<Buffer> {
  for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk
}

/** An upstream that counts received bytes and sends zeros on request. */
const startVolume = () =>
  startUpstream(async (request, response) => {
    let received = 0
    for await (const part of request as AsyncIterable<Buffer>) received += part.length
    const wanted = Number(request.headers['x-wanted'] ?? 0)
    if (wanted === 0) response.end(String(received))
    else {
      if (request.url === '/sized') response.setHeader('content-length', wanted)
      await pipeline(Readable.from(zeros(wanted)), response).catch(() => undefined)
    }
  })

const through = (port: number) => ({
  words: {
    services: [{ name: 'all', host: '127.0.0.1', port }],
    routes: [{ paths: ['/'], service: 'all', strip_path: false }],
  },
})

/** Peak additional memory of the gateway while `work` runs. */
async function growthDuring(gateway: ForkedGateway, work: Promise<unknown>): Promise<number> {
  const before = gateway.memory()
  let most = before
  const watching = setInterval(() => (most = Math.max(most, gateway.memory())), 20)
  await work.finally(() => clearInterval(watching))
  return most - before
}

async function download(port: number, path: string): Promise<number> {
  const options = { port, path, headers: { 'x-wanted': String(size) }, agent: false as const }
  const [response] = (await once(http.get(options), 'response')) as [IncomingMessage]
  let received = 0
  for await (const part of response as AsyncIterable<Buffer>) received += part.length
  return received
}

async function upload(port: number, headers: Record<string, string>): Promise<number> {
  const request = http.request({ port, path: '/', method: 'POST', headers, agent: false })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  await pipeline(Readable.from(zeros(size)), request)
  const [response] = await answered
  return Number((await response.toArray()).join(''))
}

test.each(['/sized', '/chunked'])(
  'forwards a large download (%s) in bounded memory',
  { timeout: 180_000 },
  async (path) => {
    const gateway = await forkGateway(through((await startVolume()).port))
    const work = download(gateway.port, path)
    expect(await growthDuring(gateway, work)).toBeLessThan(100)
    expect(await work).toBe(size)
  },
)

test.each([
  ['with a length', { 'content-length': String(size) }],
  ['in chunks', { 'transfer-encoding': 'chunked' }],
])('forwards a large upload %s in bounded memory', { timeout: 180_000 }, async (_form, headers) => {
  const gateway = await forkGateway(through((await startVolume()).port))
  const work = upload(gateway.port, headers)
  expect(await growthDuring(gateway, work)).toBeLessThan(100)
  expect(await work).toBe(size)
})

test('bounds the memory of clients that do not read, and closes them after the write timeout', async () => {
  const upstream = await startVolume()
  const gateway = await forkGateway({
    ...through(upstream.port),
    limits: { writeMilliseconds: 1_000 },
  })
  const before = gateway.memory()
  const stuck = Array.from({ length: 20 }, () => {
    const socket = net.connect(gateway.port, '127.0.0.1').on('error', () => undefined)
    socket.pause()
    socket.write(`GET /sized HTTP/1.1\r\nHost: a\r\nX-Wanted: ${size}\r\n\r\n`)
    return socket
  })
  const open = async (): Promise<number> => {
    const { promise, resolve } = Promise.withResolvers<number>()
    upstream.server.getConnections((_error, count) => resolve(count))
    return promise
  }
  await until('all of them are served', async () => (await open()) >= stuck.length)
  expect((await fetch(`http://127.0.0.1:${gateway.port}/`)).status).toBe(200)
  expect(gateway.memory() - before).toBeLessThan(100)
  await until('the gateway let go of them', async () => (await open()) <= 2)
  for (const socket of stuck) socket.destroy()
})

test(
  'ten thousand idle connections use little memory and do not stop new requests',
  { timeout: 180_000 },
  async () => {
    const count = 10_000
    const upstream = await startUpstream((_request, response) => response.end('ok'))
    const gateway = await forkGateway(through(upstream.port))
    const before = gateway.memory()
    const sockets: net.Socket[] = []
    const connect = async (): Promise<void> => {
      while (sockets.length < count) {
        const socket = net.connect(gateway.port, '127.0.0.1')
        sockets.push(socket)
        socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        await once(socket, 'data')
      }
    }
    await Promise.all(Array.from({ length: 64 }, connect))
    expect(sockets.filter((socket) => socket.readyState === 'open')).toHaveLength(count)
    const kilobytes = ((gateway.memory() - before) * 1000) / count
    expect(kilobytes).toBeLessThan(24)
    expect(await (await fetch(`http://127.0.0.1:${gateway.port}/`)).text()).toBe('ok')
    for (const socket of sockets) socket.destroy()
  },
)
