import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildExchange } from '../../../test/harness/build-target.ts'
import { buildTestSnapshot } from '../../../test/harness/build-snapshot.ts'
import { systemClock } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import {
  askUpstream,
  AttemptFailure,
  dropAnswer,
  type Answer,
  type UpstreamClient,
  type UpstreamRequest,
} from './ask-upstream.ts'
import { buildServiceTls } from '../tls/target-tls.ts'
import type { Exchange, RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { compileProgram, type RouteProgram } from '../program.ts'

/** Behavior of a target: returns a status, or fails at a stage. */
type Deed = number | 'refuse' | 'break' | 'silence' | 'too large' | 'fault'

const deeds: Readonly<Record<Exclude<Deed, number>, () => Error>> = {
  refuse: () => failure('connect', 502),
  break: () => failure('sent', 502),
  silence: () => failure('sent', 504),
  'too large': () => failure('connect', 413),
  fault: () => new TypeError('a fault'),
}
const failure = (stage: 'connect' | 'sent', status: number): AttemptFailure =>
  new AttemptFailure(stage, new Problem('test.failure', status, 'it failed'))

type RouteFields = {
  readonly service?: object
  readonly upstream?: object
  readonly targets?: readonly string[]
  readonly program?: object
}

/** A route to targets, four by default, over a client whose result is set for each attempt. */
function routeOver(
  plan: readonly Deed[],
  retries: number,
  { service: fields, upstream, targets, program }: RouteFields = {},
) {
  const addresses = targets ?? [1, 2, 3, 4].map((port) => `192.0.2.1:${port}`)
  const snapshot = buildTestSnapshot({
    services: [{ name: 's', host: 'pool', retries, ...fields }],
    upstreams: [
      {
        name: 'pool',
        targets: addresses.map((target) => ({ target, weight: 1 })),
        ...upstream,
      },
    ],
  })
  const compiled = compileProgram(snapshot, 1, {
    catalog: [],
    counters: { take: () => ({ admitted: true, counts: [] }) },
    clock: systemClock,
  })
  const known = compiled.tables.services.services.get('s')
  const pool = known?.pool
  const route = { service: { ...known, ...program } } as RouteProgram
  const tries: UpstreamRequest[] = []
  const aborted: string[] = []
  const client = {
    async send(attempt: UpstreamRequest): Promise<Answer> {
      tries.push(attempt)
      attempt.onStart((reason) => aborted.push(reason.code))
      const deed = plan[tries.length - 1] ?? 200
      if (typeof deed === 'number')
        return { status: deed, headers: new HeaderList(), body: undefined }
      throw deeds[deed]()
    },
    keepOnly: () => undefined,
    close: () => Promise.resolve(),
  }
  return {
    tries,
    aborted,
    ask: (exchange: Exchange) => askUpstream(client, route, exchange),
    pool,
    healthy: () => pool?.targets().filter(({ state }) => state.health.healthy).length,
  }
}

function arriving(method: string, fields: Partial<RequestHead> = {}): Exchange {
  const exchange = buildExchange({ method, ...fields })
  return Object.assign(exchange, { body: { present: false, replayable: true } })
}

const plans = fc.array(fc.constantFrom<Deed>(200, 404, 500, 'refuse', 'break', 'silence'), {
  maxLength: 8,
})

test('retries until an answer, the last retry, or a failure that must not be retried, and records every attempt', async () => {
  await fc.assert(
    fc.asyncProperty(
      plans,
      fc.integer({ min: 0, max: 5 }),
      fc.constantFrom('GET', 'PUT', 'POST', 'PATCH'),
      async (plan, retries, method) => {
        const { tries, ask, pool } = routeOver(plan, retries)
        const exchange = arriving(method)
        const answer = await ask(exchange).catch((error: unknown) => error as Problem)
        const mayRepeat = (deed: Deed): boolean =>
          deed === 'refuse' || (typeof deed !== 'number' && method !== 'POST' && method !== 'PATCH')
        const length = [...plan, 200].findIndex((deed) => !mayRepeat(deed as Deed)) + 1
        const expected = Math.min(length, retries + 1)
        expect(tries).toHaveLength(expected)
        const { upstream } = exchange
        expect(upstream.tries).toBe(expected)
        expect(upstream.attempts.map(({ status, failure }) => status || failure)).toEqual(
          Array.from({ length: expected }, (_, at) => {
            const deed = plan[at] ?? 200
            return typeof deed === 'number' ? deed : 'test.failure'
          }),
        )
        const targets = tries.map(({ target }) => target.port)
        expect(new Set(targets.slice(0, 4)).size).toBe(Math.min(expected, 4))
        expect(upstream.status).toBe(upstream.attempts.at(-1)?.status)
        expect(answer instanceof Problem).toBe(upstream.status === 0)
        exchange.dispose()
        expect(pool?.targets().map(({ state }) => state.inFlight)).toEqual([0, 0, 0, 0])
      },
    ),
    { numRuns: 200 },
  )
})

test('does not retry after the client disconnected', async () => {
  const { tries, ask } = routeOver(['refuse', 'refuse'], 5)
  const exchange = arriving('GET')
  exchange.clientLeft()
  await expect(ask(exchange)).rejects.toThrow('it failed')
  expect(tries).toHaveLength(1)
})

test.each<[Deed, boolean]>([
  ['too large', true],
  ['refuse', false],
])('does not retry after %s when the body is replayable: %s', async (deed, replayable) => {
  const { tries, ask, healthy } = routeOver([deed], 5)
  const exchange = Object.assign(arriving('GET'), { body: { present: true, replayable } })
  await expect(ask(exchange)).rejects.toThrow('it failed')
  expect([tries.length, healthy()]).toEqual([1, 4])
})

test('rethrows an error of the client, and releases the target', async () => {
  const { tries, ask, pool } = routeOver(['fault'], 5)
  const exchange = arriving('GET')
  await expect(ask(exchange)).rejects.toThrow(new TypeError('a fault'))
  expect(exchange.upstream.attempts).toMatchObject([{ failure: 'internal', status: 0 }])
  expect(tries).toHaveLength(1)
  expect(pool?.targets().map(({ state }) => state.inFlight)).toEqual([0, 0, 0, 0])
})

test.each<[Deed, string, number]>([
  ['silence', 'timeouts', 3],
  ['silence', 'tcp_failures', 4],
  ['break', 'timeouts', 4],
  ['break', 'tcp_failures', 3],
  ['too large', 'tcp_failures', 4],
  ['fault', 'tcp_failures', 4],
  [500, 'http_failures', 3],
  [500, 'timeouts', 4],
])('%s with a limit of one for %s leaves %d healthy targets', async (deed, counter, left) => {
  const healthchecks = { passive: { unhealthy: { [counter]: 1 } } }
  const { ask, healthy } = routeOver([deed], 0, { upstream: { healthchecks } })
  await ask(arriving('GET')).catch(() => undefined)
  expect(healthy()).toBe(left)
})

test('refuses a route without a service', async () => {
  const { ask } = routeOver([], 0, { program: {} })
  expect((await ask(arriving('GET'))).status).toBe(200)
  const none = askUpstream(
    {} as UpstreamClient,
    { service: undefined } as RouteProgram,
    arriving('GET'),
  )
  await expect(none).rejects.toMatchObject({ code: 'service.none', status: 503 })
})

test('aborts the attempt when the client disconnects before the answer, not after it', async () => {
  const { ask, aborted } = routeOver(['refuse'], 1)
  const exchange = arriving('GET')
  await ask(exchange)
  exchange.clientLeft()
  expect(aborted).toEqual([])
  const late = arriving('GET')
  late.clientLeft()
  await ask(late)
  expect(aborted).toEqual(['client.closed'])
})

test('records the times of the request and of the answer', async () => {
  const { ask } = routeOver(['refuse', 201], 1)
  const exchange = arriving('GET')
  const { upstream } = exchange
  upstream.cookie = 'a=b'
  await ask(exchange)
  const [first, last] = upstream.attempts
  expect(upstream).toMatchObject({
    status: 201,
    askedAt: first?.startedAt,
    answeredAt: last?.endedAt,
    target: last?.target.hostPort,
  })
  expect(first?.endedAt).toBeGreaterThanOrEqual(first?.startedAt ?? 0)
  expect(upstream.answeredAt).toBeGreaterThanOrEqual(last?.startedAt ?? 0)
  expect(exchange.answerHeaders.flat).toEqual(['Set-Cookie', 'a=b'])
  const plain = arriving('GET')
  await ask(plain)
  expect(plain.answerHeaders.flat).toEqual([])
})

test('observes the latency of an answer in milliseconds', async () => {
  const { ask, pool } = routeOver([], 0, { targets: ['192.0.2.1:1'] })
  const exchange = arriving('GET')
  const [target] = pool?.targets() ?? []
  await ask(exchange)
  const [attempt] = exchange.upstream.attempts
  expect(target?.state.latency).toBeCloseTo(
    ((attempt?.endedAt ?? 0) - (attempt?.startedAt ?? 0)) / 1000,
  )
})

test('sends the request as the service is configured', async () => {
  const service = { connect_timeout: 1, write_timeout: 2, read_timeout: 3 }
  const plain = routeOver([], 0, { service, program: { offersHttp2: true } })
  await plain.ask(arriving('POST', { path: '/a', query: 'b', upgrade: '' }))
  expect(plain.tries).toMatchObject([
    {
      secure: false,
      tls: undefined,
      http2: false,
      offersHttp2: true,
      method: 'POST',
      path: '/a?b',
      upgrade: '',
      timeouts: { connect: 1, write: 2, read: 3 },
    },
  ])
  await plain.ask(arriving('GET', { upgrade: 'websocket' }))
  expect(plain.tries[1]).toMatchObject({ offersHttp2: false, upgrade: 'websocket' })
})

test.each([
  ['grpc', true],
  ['grpcs', true],
  ['http', false],
])('a service of protocol %s receives requests over HTTP/2: %s', async (protocol, http2) => {
  const { ask, tries } = routeOver([], 0, { service: { protocol } })
  await ask(arriving('GET'))
  expect(tries[0]?.http2).toBe(http2)
})

const tls = buildServiceTls({
  verify: false,
  depth: undefined,
  authorities: undefined,
  client: undefined,
})

test.each([
  ['192.0.2.1:80', undefined, '', '192.0.2.1'],
  ['192.0.2.1:443', undefined, '', '192.0.2.1:443'],
  ['192.0.2.1:443', tls, '', '192.0.2.1'],
  ['192.0.2.1:80', tls, '', '192.0.2.1:80'],
  ['192.0.2.1:80', tls, 'own.example:8443', 'own.example:8443'],
])('the Host for %s with TLS %o and the host header %j is %s', async (target, tls, own, host) => {
  const { ask, tries } = routeOver([], 0, {
    targets: [target],
    program: { tls, hostHeader: own },
  })
  await ask(arriving('GET'))
  expect(tries[0]).toMatchObject({ host, secure: tls !== undefined })
  expect(tries[0]?.tls?.serverName).toBe(tls && host.replace(/:.*/, ''))
})

test('drops the body of an answer, and the connection of one that switched protocols', () => {
  const socket = new PassThrough()
  let dropped = 0
  const body = { drop: () => void (dropped += 1) } as unknown as NonNullable<Answer['body']>
  dropAnswer({ status: 101, headers: new HeaderList(), body: undefined, socket })
  dropAnswer({ status: 200, headers: new HeaderList(), body })
  dropAnswer(undefined)
  expect([socket.destroyed, dropped]).toEqual([true, 1])
})

test('sends the Host of the target unless one was decided before', async () => {
  const { tries, ask } = routeOver([], 0)
  await ask(arriving('GET'))
  const kept = arriving('GET')
  kept.forward = { path: '/x', query: 'a=1', host: 'own.example', headers: new HeaderList() }
  await ask(kept)
  expect(tries.map(({ host, path }) => [host, path])).toEqual([
    ['192.0.2.1:1', '/'],
    ['own.example', '/x?a=1'],
  ])
})
