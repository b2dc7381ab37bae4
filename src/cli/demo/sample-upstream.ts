import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock, type Clock } from '../../lib/clock.ts'
import { habitAt } from './habits.ts'
import { openRandom, type Random } from './random.ts'

/** A running sample upstream; both ports answer alike, so that an upstream can have two targets. */
export type SampleUpstream = {
  readonly ports: readonly [number, number]
  close(): Promise<void>
}

/** Starts several services of different habits behind two ports of this machine. */
export async function startSampleUpstream(
  options: { port?: number; seed?: number; clock?: Clock } = {},
): Promise<SampleUpstream> {
  const { port = 0, seed = 7, clock = systemClock } = options
  const random = openRandom(seed)
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void serve(request, response, { random, clock }).catch(() => response.destroy())
  }
  const servers = [createServer(answer), createServer(answer)] as const
  const first = await listen(servers[0], port)
  const second = await listen(servers[1], port === 0 ? 0 : port + 1)
  return {
    ports: [first, second],
    async close() {
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
    },
  }
}

function listen(server: Server, port: number): Promise<number> {
  server.keepAliveTimeout = 60_000
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

type Tools = { readonly random: Random; readonly clock: Clock }

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { random, clock }: Tools,
): Promise<void> {
  const received = await drain(request)
  const { pathname } = new URL(request.url ?? '/', 'http://upstream')
  const [, service = '', item = ''] = pathname.split('/')
  const habit = habitAt(service, clock.now())
  if (habit === undefined)
    return sendJson(response, 404, { message: `There is no service ${service}.` })
  await wait(Math.min(random.logNormal(habit.median, habit.spread), 5000))
  // Lists never fail, so that the line which the demo prints to show a 200 shows one.
  const mayFail = item !== '' || request.method !== 'GET'
  if (mayFail && random.happens(habit.errors))
    return sendJson(response, habit.failure, { service, message: 'The service is in trouble.' })
  if (item === 'events') return sendEvents(response, service)
  if (item === 'export') return sendExport(response)
  return sendItem(request, response, { service, item, received })
}

async function drain(request: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of request) bytes += (chunk as Buffer).length
  return bytes
}

type Asked = { readonly service: string; readonly item: string; readonly received: number }

function sendItem(request: IncomingMessage, response: ServerResponse, asked: Asked): void {
  const { service, item, received } = asked
  if (request.method === 'DELETE') {
    response.writeHead(204).end()
  } else if (request.method === 'POST' || request.method === 'PUT') {
    sendJson(response, request.method === 'POST' ? 201 : 200, { service, received })
  } else if (Number(item) > 900) {
    sendJson(response, 404, { service, message: `There is no ${item}.` })
  } else {
    const items = item === '' ? Array.from({ length: 12 }, (_, id) => describeItem(id + 1)) : []
    sendJson(response, 200, { service, item: item || undefined, items })
  }
}

const describeItem = (id: number) => ({ id, name: `Item ${id}`, price: id * 7 + 0.99 })

function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** Five server-sent events in a second, then the end. */
async function sendEvents(response: ServerResponse, service: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  for (let id = 1; id <= 5 && !response.destroyed; id++) {
    response.write(`id: ${id}\ndata: ${JSON.stringify({ service, changed: id })}\n\n`)
    await wait(200)
  }
  response.end()
}

const exportLine = `${'0123456789abcdef'.repeat(255)}0123456789abcde\n`

/** One mebibyte of text, as fast as the reader takes it. */
async function sendExport(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/csv', 'content-length': exportLine.length * 256 })
  await pipeline(Readable.from(Array(256).fill(exportLine)), response)
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
  const { ports } = await startSampleUpstream({ port: Number(values.port) })
  process.stdout.write(`${JSON.stringify({ ports })}\n`)
  // The one who started us holds the other end of the pipe: when it is gone, so are we.
  process.stdin.resume().once('close', () => process.exit(0))
}
