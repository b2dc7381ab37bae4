import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linearRouter } from '../../test/harness/linear-router.ts'
import { randomFrom, randomRequest, randomRoutes } from '../../test/harness/random-routes.ts'
import type { RequestHead } from './exchange.ts'
import { HeaderList } from './header-list.ts'
import { compileRouter } from './compile-router.ts'
import type { RoutePattern } from './match/order-routes.ts'

const seeds = fc.integer()

function compiled(routes: readonly RoutePattern[]) {
  const router = compileRouter(routes.map((route) => ({ route, program: route.id })))
  return (request: RequestHead) => {
    const { route, pattern, covered } = router.match(request) ?? {}
    return route === undefined ? undefined : { route, pattern, covered }
  }
}

test.each([
  ['few routes', 4, 400, 15],
  ['some routes', 40, 300, 25],
  ['many routes', 600, 8, 900],
])('finds the same route as a linear search: %s', (_, most, runs, requests) => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 0, max: most }), (seed, count) => {
      const random = randomFrom(seed)
      const routes = randomRoutes(random, count)
      const [fast, slow] = [compiled(routes), linearRouter(routes)]
      for (let asked = 0; asked < requests; asked++) {
        const request = randomRequest(random)
        expect(fast(request)).toEqual(slow(request))
      }
    }),
    { numRuns: runs },
  )
})

const request = (fields: Partial<RequestHead>): RequestHead => ({
  ...randomRequest(randomFrom(1)),
  method: 'GET',
  scheme: 'http',
  host: 'a.com',
  port: 80,
  path: '/',
  headers: new HeaderList(),
  ...fields,
})

const route = (fields: Partial<RoutePattern>): RoutePattern => ({
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

test('returns the captures of the path', () => {
  const router = compileRouter([
    { route: route({ paths: ['~/a/(?<id>\\d+)/(\\w+)'] }), program: 'regex' },
    { route: route({ paths: ['/'] }), program: 'plain' },
  ])
  expect(router.match(request({ path: '/a/12/b/c' }))?.findGroups()).toMatchObject({
    end: 7,
    groups: ['/a/12/b', '12', 'b'],
    named: { id: '12' },
  })
  expect(router.match(request({ path: '/b' }))?.findGroups()).toBeUndefined()
})

test('rejects an invalid regular expression and names its route', () => {
  const paths = ['~/a(?!b)']
  expect(() => compileRouter([{ route: route({ paths }), program: 1 }])).toThrow(
    "route 00000000-0000-4000-8000-000000000000: path '~/a(?!b)' at character 6: (?!…) is not",
  )
})

test('ignores stream routes', () => {
  const router = compileRouter([
    { route: route({ protocols: ['tcp', 'tls'], snis: ['a.com'] }), program: 'stream' },
  ])
  expect(router.match(request({}))).toBeUndefined()
})

test.each([
  ['a host full of dots', { host: `${'a.'.repeat(8_000)}com` }],
  ['a path full of prefixes', { path: '/a'.repeat(8_000) }],
  ['a path full of escapes', { path: '/%2e%ff'.repeat(2_000) }],
  [
    'a value many times',
    { headers: new HeaderList(Array.from({ length: 8_000 }, () => ['x-v', '7']).flat()) },
  ],
])('%s is matched in linear time', (_, fields) => {
  const routes = Array.from({ length: 2_000 }, (_unused, index) =>
    route({
      hosts: index % 3 === 0 ? [`*.h${index}.com`, `h${index}.*`] : null,
      paths: ['/a'.repeat(1 + (index % 50)), `~/a/(a/)*${index}$`],
      headers: index % 7 === 0 ? { 'x-v': [String(index)] } : null,
    }),
  )
  const router = compileRouter(routes.map((one) => ({ route: one, program: one })))
  // The processor's time, for others may be busy here too.
  const started = process.threadCpuUsage()
  router.match(request(fields))
  expect(process.threadCpuUsage(started).user / 1000).toBeLessThan(500)
})
