import net, { type AddressInfo, type Socket } from 'node:net'
import { z } from 'zod'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildTestSnapshot } from '../harness/build-snapshot.ts'
import { openClient, type End, type Protocol } from '../harness/open-client.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLog, type Log } from '../../src/lib/log.ts'
import { Problem } from '../../src/lib/problem.ts'
import { limitConnections } from '../../src/proxy/admission/limit-connections.ts'
import { openAdmission } from '../../src/proxy/admission/open-admission.ts'
import type { Pool } from '../../src/proxy/balance/open-pool.ts'
import type { Reply } from '../../src/proxy/exchange.ts'
import { openShutdownState } from '../../src/proxy/front/drain-fronts.ts'
import type { FrontEvents } from '../../src/proxy/front/front-events.ts'
import { openFrontEvents } from '../../src/proxy/front/open-front-events.ts'
import { holdPrograms } from '../../src/proxy/hold-programs.ts'
import { openFront } from '../../src/proxy/http1/open-front.ts'
import { openHttp1Client } from '../../src/proxy/http1/open-http1-client.ts'
import { openHttp2Front } from '../../src/proxy/http2/open-http2-front.ts'
import { defaultFrontLimits } from '../../src/proxy/limits.ts'
import { definePlugin, type PluginAnswer } from '../../src/proxy/plugin.ts'
import { compileProgram, type Program, type RouteProgram } from '../../src/proxy/program.ts'
import { openStreamFront } from '../../src/proxy/stream/open-stream-front.ts'
import {
  AttemptFailure,
  type Answer,
  type UpstreamClient,
} from '../../src/proxy/walk/ask-upstream.ts'
import { openRecorder } from '../../src/telemetry/open-recorder.ts'
import type { EventRecord } from '../../src/schema/event.ts'
import type { EndTools } from '../../src/proxy/walk/end-exchange.ts'

/** Each step with an injected fault, and the protocols that run it. */
const steps = {
  'find the route': ['http1', 'http2', 'websocket', 'stream'],
  'enter admission': ['http1', 'http2', 'websocket'],
  'run a request plugin': ['http1', 'http2', 'websocket'],
  'run a request plugin that waits': ['http1', 'http2', 'websocket'],
  'choose a target': ['http1', 'http2', 'websocket', 'stream'],
  'ask the target': ['http1', 'http2', 'websocket'],
  'report a failed attempt': ['http1', 'http2', 'websocket'],
  'choose a target for a retry': ['http1', 'http2', 'websocket'],
  'report an answer': ['http1', 'http2', 'websocket', 'stream'],
  'run a response plugin': ['http1', 'http2', 'websocket'],
  'run a response plugin after a refusal': ['http1', 'http2', 'websocket'],
  'read the head of the answer': ['http1', 'http2', 'websocket'],
  'pass bytes on': ['stream'],
  'send the head': ['http1', 'http2'],
  'send a part of the body': ['http1', 'http2'],
  'send the end': ['http1', 'http2', 'websocket', 'stream'],
  'send a problem': ['http1', 'http2', 'websocket'],
  'send the answer of a plugin': ['http1', 'http2', 'websocket'],
  'release the target': ['http1', 'http2', 'websocket', 'stream'],
  'leave admission': ['http1', 'http2', 'websocket'],
  'describe the exchange': ['http1', 'http2', 'websocket', 'stream'],
  'record the event': ['http1', 'http2', 'websocket', 'stream'],
  'write the spool': ['http1', 'http2', 'websocket', 'stream'],
} as const
type Step = keyof typeof steps

/** Nothing may be answered that was not recorded. */
const unrecorded: ReadonlySet<Step> = new Set(['record the event', 'write the spool'])

const cases = Object.entries(steps).flatMap(([step, protocols]) =>
  protocols.map((protocol) => [protocol, step as Step] as const),
)

const requests = 100

describe.each(cases)('%s: an error in the step "%s"', (protocol, step) => {
  test(
    'ends every exchange with one event and one log line, and frees all counters',
    { timeout: 120_000 },
    async () => {
      const gateway = await openFaulty(protocol)
      expect(await gateway.ask()).toBe('served')
      const { events, lines, counters } = gateway
      const settled = () => Object.values(counters()).every((one) => one === 0)
      await until('the first exchange is over', settled)
      gateway.plant(step)
      const ends: End[] = []
      while (ends.length < requests)
        ends.push(...(await Promise.all([gateway.ask(), gateway.ask()])))
      const isRecorded = !unrecorded.has(step)
      expect(isRecorded || ends.every((end) => end === 'cut')).toBe(true)
      await until('all counters are back', settled)
      const recorded = events.slice(1).map(({ request_id: id }) => id)
      expect(recorded).toHaveLength(isRecorded ? requests : 0)
      expect(new Set(recorded).size).toBe(recorded.length)
      const faults = lines.filter((line) => /"stack":"Error: planted/.test(line))
      const logged = new Set(faults.map((line) => JSON.parse(line).request_id as unknown))
      // A failed write affects many events; the log line has their number.
      expect(logged.size).toBe(step === 'write the spool' ? 1 : requests)
      expect(isRecorded ? logged : new Set(recorded)).toEqual(new Set(recorded))
      gateway.plant(undefined)
      expect(await gateway.ask()).toBe('served')
    },
  )
})

/** A gateway of real parts with injectable errors; two exchanges may be in flight. */
async function openFaulty(protocol: Protocol) {
  let planted: Step | undefined
  const hit = (step: Step): void => {
    if (planted === step) throw new Error(`planted: ${step}`)
  }
  const events: { request_id: string }[] = []
  const lines: string[] = []
  const log = openLog('test', (line) => void lines.push(line))
  const upstream = await startTarget(protocol)
  const pools: Pool[] = []
  const program = plantInProgram(
    compile(upstream.port, protocol, hit, () => planted),
    hit,
    pools,
  )
  const programs = holdPrograms(program)
  const admission = openAdmission({ inFlight: 2, waiting: 10 })
  const state = openShutdownState()
  const egress = { refusalOf: () => undefined }
  const tools: EndTools = {
    node: { node: 'test', zone: '', environment: '' },
    log,
    record: openTestRecord(hit, events, log),
  }
  const frontEvents = openFrontEvents(tools, {
    programs,
    upstream: plantInClient(openHttp1Client(egress), hit, () => planted),
    admission: {
      ...admission,
      enter(applicant) {
        hit('enter admission')
        return admission.enter(applicant)
      },
      leave(applicant) {
        admission.leave(applicant)
        hit('leave admission')
      },
    },
    connections: limitConnections({ max: 100, closeSilent: () => false }),
    shutdown: state,
  })
  const stream = { ...tools, programs, egress, timeout: 5_000, onGone: state.explain, hit }
  const accept = openAccept(protocol, plantInReply(frontEvents, hit), stream)
  const server = net.createServer({ noDelay: true, allowHalfOpen: protocol === 'stream' }, accept)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    admission.close()
    program.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    ask: openClient(protocol, port),
    plant: (step: Step | undefined) => void (planted = step),
    events,
    lines,
    counters: () => ({
      admitted: admission.inFlight + admission.waiting,
      busy: pools
        .flatMap((pool) => pool.targets())
        .reduce((sum, { state: { inFlight } }) => sum + inFlight, 0),
      exchanges: programs.exchanges,
    }),
  }
}

type Hit = (step: Step) => void

/** Sends two chunks, accepts an upgrade, or, for streams, responds and closes. */
async function startTarget(protocol: Protocol): Promise<{ port: number }> {
  if (protocol !== 'stream') {
    const upstream = await startUpstream((_request, response) => {
      response.write('one ')
      setImmediate(() => response.end('two'))
    })
    upstream.server.on('upgrade', (_request, socket) => {
      socket.on('error', () => undefined)
      socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      )
    })
    return upstream
  }
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('one two'))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port }
}

function compile(port: number, protocol: Protocol, hit: Hit, planted: () => Step | undefined) {
  const probe = definePlugin({
    name: 'probe',
    about: 'Fails on demand.',
    settings: z.object({}),
    prepare: () => ({
      onRequest() {
        hit('run a request plugin')
        const step = planted()
        if (step === 'run a request plugin that waits')
          return Promise.reject(new Error(`planted: ${step}`))
        if (step === 'run a response plugin after a refusal')
          throw new Problem('test.refused', 403, 'no')
        if (step === 'send a problem') throw unsendable(hit)
        if (step === 'send the answer of a plugin') return unsendableAnswer(hit)
        return undefined
      },
      onResponse() {
        hit('run a response plugin')
        hit('run a response plugin after a refusal')
      },
    }),
  })
  const isStream = protocol === 'stream'
  const snapshot = buildTestSnapshot({
    services: [{ name: 's', host: '127.0.0.1', port, protocol: isStream ? 'tcp' : 'http' }],
    routes: [
      isStream
        ? { name: 'r', service: 's', protocols: ['tcp'], sources: [{ ip: '127.0.0.0/8' }] }
        : { name: 'r', service: 's', paths: ['/'] },
    ],
    plugins: isStream ? [] : [{ name: 'probe' }],
  })
  const counters = { take: () => ({ admitted: true, counts: [] }) }
  return compileProgram(snapshot, 1, { catalog: [probe], counters, clock: systemClock })
}

const unsendable = (hit: Hit): Problem =>
  Object.defineProperty(new Problem('test.unsendable', 403, 'no'), 'headers', {
    get: () => hit('send a problem'),
  })

const unsendableAnswer = (hit: Hit): PluginAnswer => ({
  status: 200,
  get body() {
    hit('send the answer of a plugin')
    return ''
  },
})

/** Wraps a program so that its route and pool can fail. */
function plantInProgram(program: Program, hit: Hit, pools: Pool[]): Program {
  const plantInRoute = (route: RouteProgram): RouteProgram => {
    if (route.service === undefined) return route
    const { pool } = route.service
    if (!pools.includes(pool)) pools.push(pool)
    return {
      ...route,
      service: {
        ...route.service,
        pool: Object.assign(Object.create(pool) as Pool, {
          take(exchange, patience) {
            hit('choose a target')
            // From here on only the description reads it.
            Reflect.defineProperty(exchange, 'caller', { get: () => hit('describe the exchange') })
            if (exchange.upstream.attempts.length > 0) hit('choose a target for a retry')
            return pool.take(exchange, patience)
          },
          answered(peer, status, milliseconds) {
            pool.answered(peer, status, milliseconds)
            hit('report an answer')
          },
          failed(peer, finding) {
            pool.failed(peer, finding)
            hit('report a failed attempt')
          },
          release(peer) {
            pool.release(peer)
            hit('release the target')
          },
        } satisfies Partial<Pool>),
      },
    }
  }
  return {
    ...program,
    router: {
      ...program.router,
      match(request) {
        hit('find the route')
        const match = program.router.match(request)
        return match && { ...match, route: plantInRoute(match.route) }
      },
    },
    streams: {
      ...program.streams,
      find(origin) {
        hit('find the route')
        const route = program.streams.find(origin)
        return route && plantInRoute(route)
      },
    },
  }
}

function plantInClient(
  client: UpstreamClient,
  hit: Hit,
  planted: () => Step | undefined,
): UpstreamClient {
  return {
    ...client,
    async send(attempt): Promise<Answer> {
      hit('ask the target')
      const step = planted()
      if (step === 'report a failed attempt' || step === 'choose a target for a retry')
        throw new AttemptFailure('connect', new Problem('test.away', 502, 'away'))
      const answer = await client.send(attempt)
      if (step !== 'read the head of the answer') return answer
      return {
        ...answer,
        get headers(): Answer['headers'] {
          hit('read the head of the answer')
          return answer.headers
        },
      }
    },
  }
}

const plantInReply = (events: FrontEvents, hit: Hit): FrontEvents => ({
  ...events,
  onRequest: (head, body, reply) => events.onRequest(head, body, plantedReply(reply, hit)),
})

function plantedReply(reply: Reply, hit: Hit): Reply {
  return {
    begin(status, headers) {
      hit('send the head')
      reply.begin(status, headers)
    },
    write(chunk) {
      hit('send a part of the body')
      return reply.write(chunk)
    },
    get pendingBytes() {
      return reply.pendingBytes
    },
    onWritable: (resume) => reply.onWritable(resume),
    flush: () => reply.flush?.(),
    finish(last, trailers) {
      hit('send the end')
      reply.finish(last, trailers)
    },
    abort: () => reply.abort(),
    upgrade(headers, socket) {
      hit('send the end')
      reply.upgrade?.(headers, socket)
    },
  }
}

/** A recorder that appends to an array instead of a file. */
function openTestRecord(hit: Hit, events: { request_id: string }[], log: Log): EndTools['record'] {
  const append = (written: readonly EventRecord[]): void => {
    hit('write the spool')
    events.push(...written)
  }
  const { record } = openRecorder({ append, sync: async () => undefined, isFull: false }, log)
  return (event, answer) => {
    hit('record the event')
    record(event, answer)
  }
}

type AcceptParts = Parameters<typeof openStreamFront>[0] & { readonly hit: Hit }

function openAccept(
  protocol: Protocol,
  events: FrontEvents,
  { hit, ...stream }: AcceptParts,
): (socket: Socket) => void {
  if (protocol === 'stream') {
    const front = openStreamFront(stream)
    return (socket) => front.accept(plantedSocket(socket, hit), { isSecure: false })
  }
  const front = (protocol === 'http2' ? openHttp2Front : openFront)(events, defaultFrontLimits)
  onTestFinished(() => front.drain(0))
  return front.accept
}

function plantedSocket(socket: Socket, hit: Hit): Socket {
  const end = socket.end.bind(socket) as () => Socket
  const pipe = socket.pipe.bind(socket)
  return Object.assign(socket, {
    end(...given: []) {
      hit('send the end')
      return end(...given)
    },
    pipe: ((...given: Parameters<typeof pipe>) => {
      hit('pass bytes on')
      return pipe(...given)
    }) as typeof pipe,
  })
}
