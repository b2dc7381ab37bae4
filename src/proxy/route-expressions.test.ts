import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  buildRequestHead as request,
  buildRoutePattern as route,
  randomFrom,
  randomRequest,
  randomRoutes,
} from '../../test/harness/random-routes.ts'
import { uuidv5 } from '../lib/ids.ts'
import { normalizePattern } from '../lib/normalize-path.ts'
import { compileRouter } from './compile-router.ts'
import type { RequestHead } from './exchange.ts'
import { byRank, variantsOf, type RoutePattern } from './match/order-routes.ts'

const namespace = '00000000-0000-4000-8000-000000000000'

const withPrograms = (routes: readonly RoutePattern[]) =>
  routes.map((one) => ({ route: one, program: one.id }))

test('routes that are written as expressions in their order are found as the routes themselves', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 30 }), (seed, count) => {
      const random = randomFrom(seed)
      const routes = randomRoutes(random, count).filter(({ expression }) => expression === null)
      const variants = routes
        .flatMap((one) => variantsOf(one).map((variant) => ({ ...one, ...variant, of: one.id })))
        .toSorted(byRank)
      const written = variants.map((variant, at) => ({
        route: route({
          id: variant.id,
          expression: writeExpression(variant),
          priority: variants.length - at,
        }),
        program: variant.of,
      }))
      const plain = compileRouter(withPrograms(routes))
      const expressions = compileRouter(written)
      for (let asked = 0; asked < 20; asked += 1) {
        const head = randomRequest(random)
        const [expected, found] = [plain.match(head), expressions.match(head)]
        expect([found?.route, found?.covered]).toEqual([expected?.route, expected?.covered])
      }
    }),
    { numRuns: 300 },
  )
})

type Written = Omit<RoutePattern, 'paths'> & { readonly paths: readonly string[] }

/** The conditions of a route as Kong writes them to an expression. */
function writeExpression({ methods, hosts, paths, headers, snis }: Written): string {
  const nameTest = (field: string, pattern: string): string =>
    pattern.startsWith('*')
      ? `${field} =^ ${quote(pattern.slice(1))} && ${field} != ${quote(pattern.slice(1))}`
      : pattern.endsWith('*')
        ? `${field} ^= ${quote(pattern.slice(0, -1))} && ${field} != ${quote(pattern.slice(0, -1))}`
        : `${field} == ${quote(pattern)}`
  const hostTest = (host: string): string => {
    const [name = '', port] = host.split(':')
    return nameTest('http.host', name) + (port === undefined ? '' : ` && net.dst.port == ${port}`)
  }
  const pathTest = (path: string): string =>
    path.startsWith('~')
      ? `http.path ~ ${quote(`^(?:${path.slice(1)})`)}`
      : `http.path ^= ${quote(normalizePattern(path))}`
  const headerTest = (name: string) => (value: string) => {
    const field = `http.headers.${name.toLowerCase().replaceAll('-', '_')}`
    return value.startsWith('~*')
      ? `any(${field}) ~ ${quote(`(?i)${value.slice(2)}`)}`
      : `any(lower(${field})) == ${quote(value.toLowerCase())}`
  }
  const names = snis?.map((name) => nameTest('tls.sni', name.replace(/\.$/, '')))
  return [
    methods?.map((method) => `http.method == ${quote(method)}`),
    hosts?.map(hostTest),
    names && ['net.protocol != "https"', ...names],
    ...Object.entries(headers ?? {}).map(([name, values]) => values.map(headerTest(name))),
    paths.length > 0 ? paths.map(pathTest) : undefined,
    ['http.method != ""'],
  ]
    .filter((tests) => tests !== undefined && tests !== null)
    .toReversed()
    .map((tests) => `(${tests.map((one) => `(${one})`).join(' || ')})`)
    .join(' && ')
}

const quote = (text: string): string => `r#"${text}"#`

test('of 10,000 expressions with hosts or paths, tests those that can match', () => {
  const shapes: readonly ((number: number) => string)[] = [
    (number) => `http.path ^= "/team-${number}/"`,
    (number) => `http.host == "h${number}.com" && http.path ~ "^/a"`,
    (number) =>
      `http.path ^= "/x" && (http.host =^ ".h${number}.com" || http.host ^= "h${number}.")`,
    (number) => `http.path == "/a${number}" || http.path ~ r#"^/b${number}/\\d+$"#`,
  ]
  const routes = Array.from({ length: 10_000 }, (_, number) =>
    route({
      id: uuidv5(namespace, String(number)),
      expression: `http.method == "GET" && (${(shapes[number % 4] as (typeof shapes)[0])(number)})`,
    }),
  )
  const router = compileRouter(withPrograms(routes))
  let tested = 0
  const find = (fields: Partial<RequestHead>): string | undefined => {
    tested = 0
    const head = request(fields)
    Object.defineProperty(head, 'method', { get: () => ((tested += 1), 'GET') })
    return router.match(head)?.route
  }
  const idOf = (number: number): string | undefined => routes[number]?.id
  for (const [number, fields] of [
    [4000, { path: '/team-4000/x' }],
    [4001, { host: 'h4001.com', path: '/a' }],
    [4002, { host: 'a.h4002.com', path: '/x' }],
    [4002, { host: 'h4002.org', path: '/x' }],
    [4003, { path: '/a4003' }],
    [4003, { path: '/b4003/7' }],
    [-1, { path: '/other', host: 'other.com' }],
  ] as const) {
    expect(find(fields)).toBe(idOf(number))
    expect(tested).toBeLessThan(10)
  }
})

test('describes how an expression matched', () => {
  const cases: readonly (readonly [string, string, object])[] = [
    ['http.path ^= "/a"', '/a/b', { pattern: '/a', covered: 2 }],
    ['http.path == "/a/b"', '/a/b', { pattern: '/a/b', covered: 4 }],
    ['lower(http.path) ^= "/a"', '/A/b', { pattern: '/a', covered: 2 }],
    ['http.path =^ "b" || http.path ^= "/a"', '/a/b', { pattern: '', covered: 0 }],
    ['http.path contains "a"', '/a/b', { pattern: '', covered: 0 }],
    ['http.path ~ "b"', '/a/b', { pattern: '', covered: 0 }],
    [
      String.raw`http.path ~ r#"^/(?<kind>\w)/"# && http.host ~ "(.)[.]"`,
      '/a/b',
      { pattern: String.raw`~^/(?<kind>\w)/`, covered: 3 },
    ],
  ]
  for (const [expression, path, expected] of cases) {
    const router = compileRouter(withPrograms([route({ expression })]))
    expect([expression, router.match(request({ path, host: 'x.y' }))]).toMatchObject([
      expression,
      expected,
    ])
  }
  const [, , , , , , last] = cases as Required<typeof cases>
  const router = compileRouter(withPrograms([route({ expression: last?.[0] ?? '' })]))
  expect(router.match(request({ path: '/a/b', host: 'x.y' }))?.findGroups()).toMatchObject({
    groups: ['x.', 'x'],
    named: { kind: 'a' },
  })
})

test('rejects an invalid expression and names its route', () => {
  expect(() => compileRouter([{ route: route({ expression: 'http.path' }), program: 1 }])).toThrow(
    'route 00000000-0000-4000-8000-000000000000: expression: line 1, column 10: expected one of',
  )
})
