import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runToCompletion } from '../../lib/cooperative-task.ts'
import { compileStreams, emptyStreams, type StreamOrigin } from './compile-streams.ts'

const route = (id: string, fields: object) => ({
  route: {
    id,
    protocols: ['tcp' as const],
    snis: null,
    sources: null,
    destinations: null,
    ...fields,
  },
  program: id,
})

const streams = compileStreams([
  route('range', { sources: [{ ip: '10.1.0.0/16', port: null }] }),
  route('both', {
    sources: [{ ip: '10.1.0.0/16', port: null }],
    destinations: [{ ip: null, port: 9000 }],
  }),
  route('six', { sources: [{ ip: '2001:db8::/32', port: null }] }),
  route('port-a', { destinations: [{ ip: null, port: 9100 }] }),
  route('port-b', { destinations: [{ ip: null, port: 9100 }] }),
  route('name', { protocols: ['tls'], snis: ['Shop.example', '*.Shop.example', 'shop.*'] }),
  route('passed', { protocols: ['tls_passthrough'], snis: ['shop.example'] }),
  route('datagrams', {
    protocols: ['tls', 'udp'],
    snis: ['u.test'],
    destinations: [{ ip: null, port: 53 }],
  }),
  route('web', { protocols: ['https'], snis: ['shop.example'] }),
])

const from = (address: string, port: number, more: Partial<StreamOrigin> = {}): StreamOrigin => ({
  kinds: ['tcp'],
  source: { address, port: 40_000 },
  destination: { address: '127.0.0.1', port },
  serverName: undefined,
  ...more,
})

test.each([
  [from('10.1.2.3', 1), 'range'],
  [from('10.1.2.3', 9000), 'both'],
  [from('10.2.2.3', 9000), undefined],
  [from('2001:db8::1', 1), 'six'],
  [from('::1', 1), undefined],
  [from('::1', 9100), 'port-b'],
  [from('::1', 9100, { kinds: ['udp'] }), undefined],
  [from('::1', 53), undefined],
  [from('::1', 53, { kinds: ['udp'] }), 'datagrams'],
  [from('::1', 1, { kinds: ['tls'], serverName: 'shop.example' }), 'name'],
  [from('::1', 1, { kinds: ['tls'], serverName: 'a.b.shop.example' }), 'name'],
  [from('::1', 1, { kinds: ['tls'], serverName: 'shop.test' }), 'name'],
  [from('::1', 1, { kinds: ['tls'], serverName: '.shop.example' }), undefined],
  [from('::1', 1, { kinds: ['tls_passthrough'], serverName: 'shop.example' }), 'passed'],
  [from('::1', 1, { kinds: ['tls'], serverName: 'other.example' }), undefined],
])('%j goes to %s', (origin, expected) => {
  expect(streams.find(origin)).toBe(expected)
})

test('expressions precede other routes, in order of their priority and then of their ids', () => {
  const routes = compileStreams([
    route('plain', {
      sources: [{ ip: '10.1.2.3', port: 1 }],
      destinations: [{ port: 1, ip: null }],
    }),
    route('low', { expression: 'net.src.ip in 10.1.0.0/16', priority: null }),
    route('high', { expression: 'net.dst.port == 9000 && net.src.port > 1', priority: 7 }),
    route('high-b', { expression: 'net.dst.port == 9000 && net.dst.ip != ::1', priority: 7 }),
    route('name', { protocols: ['tls'], expression: 'tls.sni =^ ".Shop.example"', priority: 1 }),
    route('tcp', { protocols: ['tcp', 'tls'], expression: 'net.protocol == "tcp"', priority: 2 }),
    route('udp', { protocols: ['udp'], expression: 'net.protocol == "udp"' }),
  ])
  const secure = (serverName: string) => ({ kinds: ['tls' as const], serverName })
  expect([
    routes.find(from('10.1.2.3', 1, { kinds: ['tls'] })),
    routes.find(from('10.1.2.3', 9000)),
    routes.find(from('10.1.2.3', 1)),
    routes.find(from('10.1.2.3', 1, { kinds: ['udp'] })),
    routes.find(from('::1', 9000, secure('a.shop.example'))),
    routes.find(from('::1', 9000, secure('shop.example'))),
  ]).toEqual([undefined, 'high-b', 'tcp', 'udp', 'name', undefined])
})

test('after any changes, finds the same routes as one compiled from scratch', () => {
  const fields = fc.record({
    number: fc.integer({ min: 1, max: 12 }),
    protocols: fc.constantFrom(['tcp'], ['tls'], ['tcp', 'tls'], ['https']),
    sources: fc.constantFrom(null, [{ ip: '10.1.0.0/16', port: null }]),
    destinations: fc.constantFrom(null, [{ ip: null, port: 9000 }], [{ ip: null, port: 9100 }]),
    expression: fc.constantFrom(null, null, 'net.dst.port == 9000', 'net.src.ip == 10.1.2.3'),
    priority: fc.constantFrom(null, 1, 2),
  })
  const origins = [9000, 9100, 1].flatMap((port) =>
    ['10.1.2.3', '::1'].flatMap((address) =>
      (['tcp', 'tls'] as const).map((kind) => from(address, port, { kinds: [kind] })),
    ),
  )
  const steps = fc.array(
    fc.uniqueArray(fields, { selector: ({ number }) => number, maxLength: 8 }),
    { maxLength: 8 },
  )
  fc.assert(
    fc.property(steps, (list) => {
      let routes: ReturnType<typeof route>[] = []
      let changed = emptyStreams<string>()
      const earlier = [{ changed, expected: compileStreams<string>([]) }]
      for (const step of list) {
        const touched = new Set(step.map(({ number }) => `r${number}`))
        const removed = routes.filter(({ program }) => touched.has(program))
        const added = step
          .filter((_, at) => at % 3 !== 2)
          .map(({ number, ...rest }) => route(`r${number}`, rest))
        routes = [...routes.filter(({ program }) => !touched.has(program)), ...added]
        changed = runToCompletion(changed.with(removed, added))
        earlier.push({ changed, expected: compileStreams(routes) })
      }
      for (const one of earlier)
        for (const origin of origins)
          expect(one.changed.find(origin)).toBe(one.expected.find(origin))
    }),
  )
})

test('refuses to remove a route that it does not have', () => {
  const [one, other] = [route('a', {}), route('b', {})]
  const task = compileStreams([one]).with([other], [])
  expect(() => runToCompletion(task)).toThrow(
    'stream route b cannot be removed: it is not in the index',
  )
})

type Pattern = { readonly ip: string | null; readonly port: number | null }
type Fields = {
  readonly id: string
  readonly protocols: readonly string[]
  readonly snis: readonly string[] | null
  readonly sources: readonly Pattern[] | null
  readonly destinations: readonly Pattern[] | null
}

/** The conditions by which Kong's rule orders routes, in its order. */
function conditionsOf({ snis, sources, destinations }: Fields): boolean[] {
  const has = (list: Fields['sources'], holds: (pattern: Pattern) => boolean): boolean =>
    list !== null && list.some(holds)
  const ends = [sources, destinations].flatMap((list) => [
    has(list, ({ ip }) => ip !== null && !ip.includes('/')),
    has(list, ({ port }) => port !== null),
    has(list, ({ ip }) => ip?.includes('/') === true),
  ])
  return [snis !== null || (sources !== null && destinations !== null), ...ends]
}

/** Looks at every route. */
function findSlowly(routes: readonly Fields[], origin: StreamOrigin): string | undefined {
  const isWithin = (list: Fields['sources'], end: { address: string; port: number }): boolean =>
    list === null ||
    list.some(({ ip, port }) => {
      const isBlock = ip === '10.0.0.0/8' && end.address.startsWith('10.')
      return (port === null || port === end.port) && (ip === null || ip === end.address || isBlock)
    })
  const matching = routes.filter(
    ({ protocols, snis, sources, destinations }) =>
      protocols.some((protocol) => origin.kinds.some((kind) => kind === protocol)) &&
      (snis === null || origin.kinds.includes('tcp') || snis.includes(origin.serverName ?? '')) &&
      isWithin(sources, origin.source) &&
      isWithin(destinations, origin.destination),
  )
  const keyOf = (one: Fields): string => `${conditionsOf(one).map(Number).join('')} ${one.id}`
  return matching.toSorted((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1))[0]?.id
}

test('finds the route that the precedence of Kong names: server names or both ends, sources, destinations, ids', () => {
  const pattern = fc.record({
    ip: fc.constantFrom(null, '10.1.1.1', '10.2.2.2', '10.0.0.0/8'),
    port: fc.constantFrom(null, 9000, 9100),
  })
  const patterns = fc.option(fc.array(pattern, { minLength: 1, maxLength: 3 }))
  const fields = fc.record({
    id: fc.stringMatching(/^[0-9a-f]{2}$/),
    protocols: fc.constantFrom(['tcp'], ['tls'], ['tcp', 'tls'], ['tls_passthrough']),
    snis: fc.option(fc.subarray(['a.example', 'b.example'], { minLength: 1 })),
    sources: patterns,
    destinations: patterns,
  })
  const end = fc.record({
    address: fc.constantFrom('10.1.1.1', '10.2.2.2', '10.3.3.3', '192.0.2.1'),
    port: fc.constantFrom(9000, 9100, 9200),
  })
  const origins = fc.record({
    kinds: fc.constantFrom<StreamOrigin['kinds'][]>(['tcp'], ['tls'], ['tls', 'tls_passthrough']),
    source: end,
    destination: end,
    serverName: fc.constantFrom(undefined, 'a.example', 'b.example'),
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(fields, { selector: ({ id }) => id, minLength: 2, maxLength: 12 }),
      fc.array(origins, { minLength: 8, maxLength: 8 }),
      (routes, list) => {
        const found = compileStreams(routes.map(({ id, ...rest }) => route(id, rest)))
        for (const origin of list) expect(found.find(origin)).toBe(findSlowly(routes, origin))
      },
    ),
    { numRuns: 500 },
  )
})

test('can be suspended at every route, even without stream routes', () => {
  const routes = Array.from({ length: 50 }, (_, at) => route(`${at}`, { protocols: ['https'] }))
  expect(Array.from(emptyStreams<string>().with(routes, routes))).toHaveLength(100)
})
