import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Route } from '../../schema/route.ts'
import type { RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { compileRoutes } from './compile-routes.ts'
import { forwardPath } from './forward-path.ts'
import { matchRoute } from './match-route.ts'
import { normalizePath } from './normalize-path.ts'

const some = <T>(values: readonly T[]) =>
  fc.option(fc.subarray([...values], { minLength: 1 }), { nil: null })

const routes = fc.array(
  fc.record({
    methods: some(['GET', 'POST']),
    hosts: some(['a.com', 'b.com', '*.a.com', 'a.*', 'a.com:8000']),
    paths: some(['/', '/a', '/a/b', '/ab', '~/a/\\d+', '~/a/(?<id>\\w+)/x$']),
    headers: fc.option(
      fc.constantFrom({ 'x-v': ['1'] }, { 'X-V': ['1', '2'] }, { 'x-v': ['1'], 'x-w': ['~*^on'] }),
      { nil: null },
    ),
    regex_priority: fc.nat(2),
  }),
  { maxLength: 8 },
)

const requests = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  host: fc.constantFrom('a.com', 'b.com', 'x.a.com', 'x.y.a.com', 'a.org', 'none'),
  port: fc.constantFrom(80, 8000),
  path: fc.constantFrom(
    '/',
    '/a',
    '/a/',
    '/a/b',
    '/a/b/c',
    '/abc',
    '/a/12',
    '/a/12/x',
    '/a/zz/x',
    '/A',
    '/a//b',
    '/x/../a/b',
    '/%61/12',
  ),
  headers: fc.constantFrom(
    [],
    ['X-V', '1'],
    ['x-v', '2'],
    ['X-V', '1', 'X-W', 'Onward'],
    ['x-v', '9', 'x-v', '1'],
  ),
})

/** One of the ways in which a route may match, spelled out. */
type Way = { route: Route; path: string | undefined }

/** The slow and obvious matcher: every way of every route, asked by the letter of the documentation, the best taken. */
function obviousMatch(all: readonly Route[], request: RequestHead): string | undefined {
  const path = normalizePath(request.path)
  const ways = all.flatMap((route): Way[] =>
    route.paths === null
      ? [{ route, path: undefined }]
      : route.paths.map((pattern) => ({ route, path: pattern })),
  )
  const accepted = ways.filter(({ route, path: pattern }) => {
    if (route.methods !== null && !route.methods.includes(request.method)) return false
    if (route.hosts !== null && !route.hosts.some((host) => acceptsHost(host, request)))
      return false
    if (
      !Object.entries(route.headers ?? {}).every(([name, values]) =>
        acceptsHeader(name, values, request),
      )
    )
      return false
    if (pattern === undefined) return true
    return pattern.startsWith('~')
      ? new RegExp(`^${pattern.slice(1)}`).test(path)
      : path.startsWith(pattern)
  })
  return accepted.toSorted(byImportance)[0]?.route.id
}

function acceptsHost(pattern: string, { host, port }: RequestHead): boolean {
  const [name = '', wanted] = pattern.split(':')
  const expression = new RegExp(`^${name.replaceAll('.', '\\.').replace('*', '.+')}$`)
  return expression.test(host) && (wanted === undefined || Number(wanted) === port)
}

function acceptsHeader(name: string, values: readonly string[], { headers }: RequestHead): boolean {
  const given = headers.all(name.toLowerCase())
  const [first = ''] = values
  if (values.length === 1 && first.startsWith('~*'))
    return given.some((value) => new RegExp(first.slice(2), 'i').test(value))
  return given.some((value) => values.includes(value))
}

function byImportance(a: Way, b: Way): number {
  const rank = ({ route, path }: Way): number[] => {
    const isRegex = path?.startsWith('~') === true
    return [
      Number(route.methods !== null) +
        Number(route.hosts !== null) +
        Number(route.headers !== null) +
        Number(route.paths !== null),
      Number(route.hosts !== null && route.hosts.every((host) => !host.includes('*'))),
      Object.keys(route.headers ?? {}).length,
      Number(isRegex),
      isRegex ? route.regex_priority : 0,
      isRegex ? 0 : (path?.length ?? 0),
    ]
  }
  const [left, right] = [rank(a), rank(b)]
  const place = left.findIndex((value, index) => value !== right[index])
  if (place >= 0) return (right[place] as number) - (left[place] as number)
  return a.route.id > b.route.id ? -1 : 1
}

test('the compiled matcher agrees with the slow and obvious one', () => {
  fc.assert(
    fc.property(routes, requests, (shapes, { headers, ...rest }) => {
      const all = shapes.map(
        (shape, index) =>
          ({ ...shape, id: `route-${index}`, protocols: ['http'] }) as unknown as Route,
      )
      const request = {
        ...rest,
        headers: new HeaderList([...headers]),
        scheme: 'http',
        query: '',
      } as RequestHead
      const compiled = compileRoutes(all.map((route) => ({ route, program: route.id })))
      expect(matchRoute(compiled, request)?.route).toBe(obviousMatch(all, request))
    }),
    { numRuns: 3000 },
  )
})

test.each([
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/../../b', '/b'],
  ['//a///b', '/a/b'],
  ['/%41%2d%2Fx', '/A-%2Fx'],
  ['/a/%2e%2e/b', '/b'],
  ['/a/', '/a/'],
  ['/a/..', '/'],
  ['/', '/'],
])('%s is normalized to %s', (given, normal) => expect(normalizePath(given)).toBe(normal))

test('normalizing is idempotent and never leaves a way around a route', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('/', '.', '%2e', '%2E', '%2F', 'a', '%61') }),
      (tail) => {
        const once = normalizePath(`/${tail}`)
        expect(normalizePath(once)).toBe(once)
        expect(once).not.toMatch(/\/\/|\/\.\.?(\/|$)|%61|%2e/i)
      },
    ),
  )
})

// service path, route pattern, strip, request path → forwarded path (path_handling v0)
test.each([
  [null, '/a', true, '/a/b', '/b'],
  [null, '/a', true, '/a', '/'],
  [null, '/a', false, '/a/b', '/a/b'],
  ['/s', '/a', true, '/a/b', '/s/b'],
  ['/s', '/a', true, '/a', '/s'],
  ['/s', '/a', true, '/a/', '/s/'],
  ['/s/', '/a', true, '/a/b', '/s/b'],
  ['/s', '/a', false, '/a/b', '/s/a/b'],
  ['/s', '/', true, '/b', '/s/b'],
  ['/s', '/', true, '/', '/s'],
])(
  'service path %s, route %s, strip %s: %s goes to %s',
  (...[servicePath, pattern, stripPath, path, forwarded]) => {
    expect(
      forwardPath({ path, covered: pattern.length, stripPath, handling: 'v0', servicePath }),
    ).toBe(forwarded)
  },
)
