import { expect, test } from 'vitest'
import { buildTestSnapshot } from '../../../test/harness/build-snapshot.ts'
import { openExchange } from '../../../test/harness/open-exchange.ts'
import { systemClock } from '../../lib/clock.ts'
import type { RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { compileProgram } from '../program.ts'
import { findRoute } from './find-route.ts'

function walk(route: Record<string, unknown>, fields: Partial<RequestHead> = {}) {
  const snapshot = buildTestSnapshot({
    services: [{ name: 's', host: '192.0.2.1', path: '/base' }],
    routes: [{ name: 'r', service: 's', ...route }],
  })
  const counters = { take: () => ({ admitted: true, counts: [] }) }
  const program = compileProgram(snapshot, 1, { catalog: [], counters, clock: systemClock })
  const { exchange } = openExchange(fields)
  const found = findRoute(program, exchange)
  program.close()
  return { exchange, found }
}

test('refuses a request that matches no route', () => {
  expect(() => walk({ paths: ['/a'] }, { path: '/b' })).toThrow(
    expect.objectContaining({ code: 'route.none', status: 404 }),
  )
})

test('records the route, and forwards path and query', () => {
  const { exchange, found } = walk({ paths: ['/a'] }, { path: '/a/b', query: 'c=d' })
  expect(found.route.name).toBe('r')
  expect(exchange).toMatchObject({
    routePath: '/a',
    routeRef: { route_name: 'r', service_name: 's' },
    forward: { path: '/base/b', query: 'c=d', host: undefined },
  })
  expect(walk({ paths: ['/a'], strip_path: false }, { path: '/a/b' }).exchange.forward?.path).toBe(
    '/base/a/b',
  )
})

test('a route with preserve_host forwards the Host of the client', () => {
  const host = (headers: string[]) =>
    walk({ paths: ['/'], preserve_host: true }, { headers: new HeaderList(headers) }).exchange
      .forward?.host
  expect(host(['Host', 'Own.example:81'])).toBe('Own.example:81')
  expect(host([])).toBe('h.example')
})

test('finds the captures of a path that is a regular expression', () => {
  const { exchange } = walk({ paths: ['~/a/(?<id>\\d+)'] }, { path: '/a/7' })
  expect(exchange.captures.named).toEqual({ id: '7' })
})

test('adds the fields of the forwarding hop', () => {
  const { exchange } = walk({ paths: ['/a b'] }, { path: '/a b/c', port: 81, scheme: 'https' })
  expect(exchange.forward?.headers.flat).toEqual([
    'Via',
    expect.stringMatching(/^1\.1 weir-[0-9a-f]{16}-$/),
    'X-Forwarded-For',
    '198.51.100.1',
    'X-Forwarded-Proto',
    'https',
    'X-Forwarded-Host',
    'h.example',
    'X-Forwarded-Port',
    '81',
    'X-Forwarded-Path',
    '/a b/c',
    'X-Forwarded-Prefix',
    '/a%20b',
    'X-Real-IP',
    '198.51.100.1',
    'X-Kong-Request-Id',
    exchange.requestId,
  ])
  const kept = walk({ paths: ['/a'], strip_path: false }, { path: '/a' }).exchange.forward?.headers
  expect(kept?.get('x-forwarded-prefix')).toBeUndefined()
})

test('appends the client to X-Forwarded-For', () => {
  const headers = new HeaderList(['X-Forwarded-For', '192.0.2.7', 'x-forwarded-for', '192.0.2.8'])
  const { exchange } = walk({ paths: ['/'] }, { headers })
  expect(exchange.forward?.headers.all('x-forwarded-for')).toEqual([
    '192.0.2.7, 192.0.2.8, 198.51.100.1',
  ])
})

test.each([
  'x-consumer-id',
  'x-consumer-custom-id',
  'x-consumer-username',
  'x-consumer-groups',
  'x-authenticated-groups',
  'x-credential-identifier',
  'x-anonymous-consumer',
  'x-real-ip',
  'x-kong-request-id',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'host',
  'expect',
  'content-length',
  'connection',
  'te',
  'transfer-encoding',
  'proxy',
  'proxy-connection',
  'named',
])('does not forward %s of the client, in any spelling', (name) => {
  const spellings = [name, name.toUpperCase()]
  const folded = name.includes('-') ? ['_', '.', '~'].map((mark) => name.replaceAll('-', mark)) : []
  const headers = new HeaderList([
    ...[...spellings, ...folded].flatMap((spelling) => [spelling, 'forged']),
    'Connection',
    'named',
    'kept',
    'yes',
  ])
  const { exchange } = walk({ paths: ['/'] }, { headers })
  expect(exchange.forward?.headers.flat).not.toContain('forged')
  expect(exchange.forward?.headers.get('kept')).toBe('yes')
})
