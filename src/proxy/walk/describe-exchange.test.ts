import { expect, test } from 'vitest'
import { buildTarget } from '../../../test/harness/build-target.ts'
import { toEvent } from '../../../test/harness/event-record.ts'
import { openExchange } from '../../../test/harness/open-exchange.ts'
import { Problem } from '../../lib/problem.ts'
import { eventColumns, type Event } from '../../schema/event.ts'
import type { Attempt, Exchange, RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { describeExchange, describeFailure } from './describe-exchange.ts'

const node = { node: 'n', zone: 'z', environment: 'e' }
const describe = (exchange: Exchange): Event => toEvent(describeExchange(exchange, node))
const exchangeWith = (fields: Partial<RequestHead> = {}): Exchange => openExchange(fields).exchange

const routeRef = {
  workspace: 'w1',
  workspace_name: 'w',
  service: 's1',
  service_name: 's',
  route: 'r1',
  route_name: 'r',
}

const attempt = (fields: Partial<Attempt> = {}): Attempt => ({
  target: buildTarget({ key: '192.0.2.1:80' }),
  startedAt: 1_000,
  endedAt: 1_500,
  status: 0,
  failure: '',
  abort: undefined,
  ...fields,
})

test('describes every column of a request without a caller', () => {
  const exchange = exchangeWith()
  const { duration_us, gateway_us, ...event } = describe(exchange)
  expect(event).toEqual({
    time: expect.any(String),
    request_id: exchange.id,
    trace_id: '',
    ...Object.fromEntries(Object.keys(routeRef).map((name) => [name, ''])),
    consumer: '',
    consumer_name: '',
    consumer_groups: [],
    principal_kind: 'anonymous',
    auth_method: '',
    credential: '',
    agent: '',
    subject: '',
    issuer: '',
    scopes: [],
    outcome: 'allowed',
    denied_by: '',
    reason: '',
    method: 'GET',
    scheme: 'http',
    host: 'h.example',
    path: '/',
    route_path: '',
    query: '',
    status: 0,
    upstream_status: 0,
    tries: 0,
    target: '',
    failed_tries: [],
    upstream_us: 0,
    receive_us: 0,
    request_bytes: 0,
    response_bytes: 0,
    client_address: '198.51.100.1',
    user_agent: '',
    tls_version: '',
    peer_identity: '',
    ...node,
    revision: 1,
  })
  expect(gateway_us).toBe(duration_us)
  expect(Object.keys(eventColumns)).toEqual(expect.arrayContaining(Object.keys(event)))
})

test('describes the caller, the route and the answer', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const exchange = exchangeWith({
    query: 'a=1&key=k&mine=m',
    path: '/"\\\n€',
    headers: new HeaderList([
      'traceparent',
      `00-${trace}-00f067aa0ba902b7-01`,
      'User-Agent',
      'curl "8"',
    ]),
    clientCertificate: {
      verified: true,
      spiffeId: 'spiffe://a/b',
      der: new Uint8Array(),
      chain: [],
    },
  })
  exchange.routeRef = routeRef
  exchange.caller = {
    kind: 'consumer',
    method: 'key-auth',
    credential: 'c1',
    consumer: {
      id: 'u1',
      name: 'u',
      username: null,
      customId: null,
      groups: ['g', 'h'],
      consumerGroups: ['h', 'i'],
    },
  }
  exchange.secretParameters = ['mine']
  Object.assign(exchange, { status: 200, responseBytes: 7, routePath: '/p' })
  Object.assign(exchange.upstream, { status: 201, tries: 256, target: '192.0.2.1:80' })
  const described = {
    ...routeRef,
    trace_id: trace,
    consumer: 'u1',
    consumer_name: 'u',
    consumer_groups: ['h', 'i', 'g'],
    principal_kind: 'consumer',
    auth_method: 'key-auth',
    credential: 'c1',
    scopes: [],
    path: '/"\\\n€',
    route_path: '/p',
    query: 'a=1&key=REDACTED&mine=REDACTED',
    status: 200,
    upstream_status: 201,
    tries: 255,
    target: '192.0.2.1:80',
    response_bytes: 7,
    user_agent: 'curl "8"',
    peer_identity: 'spiffe://a/b',
  }
  expect(describe(exchange)).toMatchObject(described)
  // The parts that are cached are the same again.
  expect(describe(exchange)).toMatchObject(described)
  exchange.refuse('denied', 'acl', new Problem('acl.forbidden', 403, 'no'))
  expect(describe(exchange)).toMatchObject({
    outcome: 'denied',
    denied_by: 'acl',
    reason: 'acl.forbidden',
  })
})

test.each(['', 'x', `00-${'A'.repeat(32)}-00f067aa0ba902b7-01`])(
  'a malformed traceparent %j gives no trace id',
  (value) => {
    const headers = new HeaderList(['traceparent', value])
    expect(describe(exchangeWith({ headers })).trace_id).toBe('')
  },
)

test('the time has microseconds', () => {
  for (const startedAt of [1_700_000_000_000_042, 1_700_000_000_999_999, 1_700_000_001_100_000]) {
    const exchange = Object.assign(exchangeWith(), { startedAt })
    const text = String(startedAt)
    const time = `${text.slice(0, 10)}.${text.slice(10)}`
    expect(describe(exchange).time).toBe(time)
    expect(toEvent(describeFailure(exchange, node))).toMatchObject({ time })
  }
})

test('splits the duration into gateway, upstream and the receiving of the answer', () => {
  const exchange = exchangeWith()
  const { startedAt, upstream } = exchange
  Object.assign(upstream, { askedAt: startedAt - 900, answeredAt: startedAt - 600 })
  const receiving = describe(exchange)
  expect(receiving).toMatchObject({ upstream_us: 300, gateway_us: 0 })
  expect(receiving.receive_us).toBe(receiving.duration_us + 600)
  Object.assign(exchange, { startedAt: startedAt - 10_000 })
  upstream.finishedAt = startedAt - 100
  const finished = describe(exchange)
  expect(finished).toMatchObject({ upstream_us: 300, receive_us: 500 })
  expect(finished.gateway_us).toBe(finished.duration_us - 800)
  Object.assign(upstream, { answeredAt: 0, finishedAt: 0 })
  const unanswered = describe(exchange)
  expect(unanswered).toMatchObject({ receive_us: 0, gateway_us: 9_100 })
  expect(unanswered.upstream_us).toBe(unanswered.duration_us - 9_100)
})

test.each([
  [[attempt()], []],
  [[attempt({ failure: 'upstream.timeout' })], ['192.0.2.1:80 upstream.timeout 500']],
  [[attempt({ failure: 'a.b', endedAt: 1_007 }), attempt()], ['192.0.2.1:80 a.b 7']],
  [[attempt(), attempt({ failure: 'a.b' })], ['192.0.2.1:80 a.b 500']],
])('lists failed attempts: %#', (attempts, failed) => {
  const exchange = exchangeWith()
  exchange.upstream.attempts.push(...attempts)
  expect(describe(exchange).failed_tries).toEqual(failed)
})

const isGiven = (value: Event[keyof Event]): boolean =>
  typeof value === 'number' ? value !== 0 : value.length > 0

test('the minimal event names the exchange, its route and its failure', () => {
  const exchange = exchangeWith()
  exchange.routeRef = routeRef
  exchange.status = 500
  exchange.fail(new Problem('internal', 500, 'x'))
  const event = toEvent(describeFailure(exchange, node))
  expect(Object.fromEntries(Object.entries(event).filter(([, value]) => isGiven(value)))).toEqual({
    time: expect.stringMatching(/^\d{10}\.\d{6}$/),
    request_id: exchange.id,
    ...routeRef,
    outcome: 'failed',
    reason: 'internal',
    status: 500,
    ...node,
    revision: 1,
  })
  expect(Object.keys(event).toSorted()).toEqual(Object.keys(eventColumns).toSorted())
})
