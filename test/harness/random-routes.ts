import type { ClientLink, RequestHead } from '../../src/proxy/exchange.ts'
import { HeaderList } from '../../src/proxy/header-list.ts'
import type { RoutePattern } from '../../src/proxy/match/order-routes.ts'
import { randomExpression } from './random-expressions.ts'

/** Numbers in [0, 1). */
export type Random = () => number

/** Seeded (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

const hosts = [
  'a.com',
  'b.com',
  'x.a.com',
  'a.com:8000',
  'x.a.com:80',
  '*.a.com',
  '*.com',
  '*.x.a.com',
  '*.a.com:8000',
  'a.*',
  'x.a.*',
  'x.*',
  'a.*:80',
]
const paths = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/a/b/c',
  '/ab',
  '/abc',
  '/b',
  '/é',
  '/a b',
  '/a%2Fb',
  '~/',
  '~/a/\\d+',
  '~/a/(?<id>\\w+)/x$',
  '~/a|/b',
  '~/a/b',
  '~/(?P<kind>a|ab)/.*',
  '~/[ab]+$',
  '~/.*b',
]
const headers = [
  { 'x-v': ['1'] },
  { 'X-V': ['1', '2'] },
  { 'x-v': ['2'], 'x-w': ['~*^on'] },
  { 'x-v': ['~*^[12]$', '9'] },
  { 'x-w': ['On'] },
  { 'x-w': ['on', 'off'], 'x-v': ['1'] },
  ...Array.from({ length: 9 }, (_, number) => ({ [`x-n${number}`]: ['1'] })),
]
const names = ['a.com', 'x.a.com', 'b.com.', '*.a.com', 'a.*', '*.com']

/** `count` routes with many overlaps, ids in random order. */
export function randomRoutes(random: Random, count: number): RoutePattern[] {
  const expressionRoute = (): RoutePattern => ({
    ...conditionless,
    id: randomId(random),
    protocols: pick(random, [['http', 'https'], ['http'], ['https'], ['grpc', 'grpcs'], ['wss']]),
    expression: randomExpression(random),
    priority: pick(random, [null, 0, 1, 2, 2 ** 46 - 1]),
  })
  const several = <T>(values: readonly T[], share: number): T[] | null =>
    random() < share
      ? [...new Set(times(1 + random() * random() * 5, () => pick(random, values)))]
      : null
  const plainRoute = (): RoutePattern => ({
    ...conditionless,
    id: randomId(random),
    methods: several(['GET', 'POST', 'PUT'], 0.3),
    hosts: several(hosts, 0.6),
    paths: several(paths, 0.8),
    headers: random() < 0.25 ? pick(random, headers) : null,
    snis: several(names, 0.15),
    regex_priority: Math.floor(random() * 3),
  })
  return times(count, () => (random() < 0.2 ? expressionRoute() : plainRoute()))
}

const conditionless = {
  protocols: ['http', 'https'] as RoutePattern['protocols'],
  methods: null,
  hosts: null,
  paths: null,
  headers: null,
  snis: null,
  regex_priority: 0,
  expression: null,
  priority: null,
} satisfies Omit<RoutePattern, 'id'>

const link: Omit<ClientLink, 'client'> = {
  socket: undefined as never,
  local: { address: '10.0.0.9', port: 8000 },
  exchanges: 0,
  idleSince: 0,
}

/** A route without conditions but for some fields. */
export const buildRoutePattern = (fields: Partial<RoutePattern>): RoutePattern => ({
  id: '00000000-0000-4000-8000-000000000000',
  protocols: ['http', 'https'],
  methods: null,
  hosts: null,
  paths: null,
  headers: null,
  snis: null,
  regex_priority: 0,
  ...fields,
})

/** A GET request for http://a.com/ but for some fields. */
export const buildRequestHead = (fields: Partial<RequestHead>): RequestHead => ({
  ...randomRequest(randomFrom(1)),
  method: 'GET',
  scheme: 'http',
  host: 'a.com',
  port: 80,
  path: '/',
  headers: new HeaderList(),
  ...fields,
})

/** A request that may match some of these routes. */
export function randomRequest(random: Random): RequestHead {
  const path = times(1 + random() * 4, () =>
    pick(random, [
      '/',
      '/a',
      '/b',
      '/ab',
      '/12',
      '/x',
      '/..',
      '/%61',
      'b',
      '/c',
      '/\u00c3\u00a9',
      '/a%20b',
      '%2fb',
    ]),
  ).join('')
  const clientAddress = pick(random, ['10.0.0.1', '10.1.2.3', 'fd00::1', ''])
  return {
    method: pick(random, ['GET', 'POST', 'PUT', 'HEAD']),
    scheme: pick(random, ['http', 'https']),
    host: pick(random, [
      'a.com',
      'b.com',
      'x.a.com',
      'y.x.a.com',
      'a.org',
      'x.a.org',
      'none',
      '',
      '.a.com',
      'a.',
    ]),
    port: pick(random, [80, 8000]),
    path: path.startsWith('/') ? path : `/${path}`,
    query: pick(random, ['', 'a=1', 'a=1&a=2', 'b', 'a=%31&b=x+y', 'b=ann&b=bob']),
    headers: new HeaderList(
      times(random() * 3, () =>
        pick(random, [
          ['X-V', '1'],
          ['x-v', '2'],
          ['x-v', '9'],
          ['X-W', 'Onward'],
          ['x-w', 'on'],
          ['X-N1', '1'],
          ['x-n7', '1'],
        ]),
      ).flat(),
    ),
    clientAddress,
    connection: {
      ...link,
      client: { address: pick(random, ['10.0.0.1', clientAddress]), port: 5000 },
    },
    tlsVersion: '',
    upgrade: '',
    serverName: pick(random, ['a.com', 'x.a.com', 'b.com', undefined]),
  }
}

const times = <T>(count: number, make: () => T): T[] =>
  Array.from({ length: Math.floor(count) }, make)

const pick = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)] as T

function randomId(random: Random): string {
  const hex = (digits: number): string =>
    times(digits, () => Math.floor(random() * 16).toString(16)).join('')
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`
}
