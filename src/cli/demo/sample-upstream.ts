import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock, type Clock } from '../../lib/clock.ts'
import { createRandom, type Random } from './random.ts'

/** A running sample upstream. Both ports serve the same, so that an upstream can have two targets. */
export type SampleUpstream = {
  readonly ports: readonly [number, number]
  close(): Promise<void>
}

/** Starts sample services of different latency and error rate on two local ports. */
export async function startSampleUpstream(
  options: { port?: number; seed?: number; clock?: Clock } = {},
): Promise<SampleUpstream> {
  const { port = 0, seed = 7, clock = systemClock } = options
  const random = createRandom(seed)
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    // The gateway has disconnected, or records a broken answer.
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
  if (service === 'profile') return sendProfile(request, response)
  const behavior = behaviorAt(service, clock.now())
  if (behavior === undefined)
    return sendJson(response, 404, { message: `Service ${service} not found.` })
  await wait(Math.min(random.logNormal(behavior.median, behavior.spread), 5000))
  // Lists never fail, so that the printed command for a 200 always gets one.
  const mayFail = item !== '' || request.method !== 'GET'
  if (mayFail && random.happens(behavior.errors))
    return sendJson(response, behavior.failure, { service, message: 'Simulated failure.' })
  if (item === 'events') return sendEvents(response, service)
  if (item === 'export') return sendExport(response)
  return sendItem(request, response, { service, item, received })
}

async function drain(request: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of request) bytes += (chunk as Buffer).length
  return bytes
}

type ItemRequest = { readonly service: string; readonly item: string; readonly received: number }

function sendItem(
  request: IncomingMessage,
  response: ServerResponse,
  { service, item, received }: ItemRequest,
): void {
  if (request.method === 'DELETE') {
    response.writeHead(204).end()
  } else if (request.method === 'POST' || request.method === 'PUT') {
    sendJson(response, request.method === 'POST' ? 201 : 200, { service, received })
  } else if (Number(item) > 900) {
    sendJson(response, 404, { service, message: `Item ${item} not found.` })
  } else {
    const items = item === '' ? Array.from({ length: 12 }, (_, id) => describeItem(id + 1)) : []
    sendJson(response, 200, { service, item: item || undefined, items })
  }
}

/** The claims of the access token with which the gateway sent the request. The gateway has verified it. */
function sendProfile({ headers }: IncomingMessage, response: ServerResponse): void {
  const [, payload = ''] = (headers.authorization ?? '').split('.')
  const claims: unknown =
    payload === '' ? null : JSON.parse(Buffer.from(payload, 'base64url').toString())
  sendJson(response, 200, { service: 'profile', hasToken: payload !== '', claims })
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

/** Sends five server-sent events in a second. */
async function sendEvents(response: ServerResponse, service: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  for (let id = 1; id <= 5 && !response.destroyed; id++) {
    response.write(`id: ${id}\ndata: ${JSON.stringify({ service, changed: id })}\n\n`)
    await wait(200)
  }
  response.end()
}

const exportLine = `${'0123456789abcdef'.repeat(255)}0123456789abcde\n`

/** Sends one mebibyte of text. */
async function sendExport(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/csv', 'content-length': exportLine.length * 256 })
  await pipeline(Readable.from(Array(256).fill(exportLine)), response)
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
  const { ports } = await startSampleUpstream({ port: Number(values.port) })
  process.stdout.write(`${JSON.stringify({ ports })}\n`)
  // Standard input closes when the parent process ends.
  process.stdin.resume().once('close', () => process.exit(0))
}

/** Latency and error rate of a sample service. */
type Behavior = {
  /** Median latency in milliseconds. */
  readonly median: number
  /** Standard deviation of the logarithm of the latency. */
  readonly spread: number
  /** Share of requests that fail with the status `failure`. */
  readonly errors: number
  readonly failure: number
}

/** The sample services by the first segment of the path. */
const behaviors: Readonly<Record<string, Behavior>> = {
  orders: { median: 22, spread: 0.5, errors: 0.01, failure: 500 },
  inventory: { median: 12, spread: 0.4, errors: 0.004, failure: 500 },
  search: { median: 4, spread: 0.6, errors: 0.001, failure: 500 },
  payments: { median: 120, spread: 0.7, errors: 0.03, failure: 502 },
  billing: { median: 45, spread: 0.9, errors: 0.12, failure: 503 },
  users: { median: 9, spread: 0.4, errors: 0.005, failure: 500 },
}

const incidentInterval = 420_000
const incidentDuration = 45_000

/** The behavior at a time. For 45 seconds in every seven minutes payments has an incident. */
function behaviorAt(service: string, milliseconds: number): Behavior | undefined {
  const behavior = Object.hasOwn(behaviors, service) ? behaviors[service] : undefined
  if (behavior === undefined || service !== 'payments') return behavior
  if (milliseconds % incidentInterval < incidentInterval - incidentDuration) return behavior
  return { ...behavior, median: behavior.median * 4, errors: 0.35 }
}
