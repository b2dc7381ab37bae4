import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linearRouter } from '../../test/harness/linear-router.ts'
import {
  buildRequestHead as request,
  buildRoutePattern as route,
  randomFrom,
  randomRequest,
  randomRoutes,
} from '../../test/harness/random-routes.ts'
import type { RequestHead } from './exchange.ts'
import { HeaderList } from './header-list.ts'
import { compileRouter, emptyRouter, type Router } from './compile-router.ts'
import { runToCompletion } from '../lib/cooperative-task.ts'
import { uuidv5 } from '../lib/ids.ts'
import { compileMatchers, placesOf } from './match/compile-matcher.ts'
import { emptyHosts } from './match/host-index.ts'
import type { RoutePattern } from './match/order-routes.ts'
import { changeIndex, type RouteIndex } from './match/route-index.ts'

const seeds = fc.integer()

const withPrograms = (routes: readonly RoutePattern[]) =>
  routes.map((one) => ({ route: one, program: one.id }))

const lookup = (router: Router<string>) => (head: RequestHead) => {
  const { route: found, pattern, covered } = router.match(head) ?? {}
  return found === undefined ? undefined : { route: found, pattern, covered }
}

const compiled = (routes: readonly RoutePattern[]) => lookup(compileRouter(withPrograms(routes)))

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

test.each([
  ['few routes', 6, 12, 100],
  ['many routes', 300, 4, 10],
])(
  'after any changes matches like a router of the same routes, and the previous one like before: %s',
  (...row) => {
    const [, most, changes, runs] = row
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = randomFrom(seed)
        const requests = Array.from({ length: 20 }, () => randomRequest(random))
        let routes: readonly RoutePattern[] = []
        let router = emptyRouter<string>()
        const steps = Array.from({ length: changes }, () => {
          const share = random()
          const removed = routes.filter(() => random() < share)
          const fresh = randomRoutes(random, random() * most)
          // A route that is replaced keeps its id.
          const added = fresh.map((one, at) => ({ ...one, id: removed[at]?.id ?? one.id }))
          routes = [...routes.filter((one) => !removed.includes(one)), ...added]
          router = runToCompletion(router.with(withPrograms(removed), withPrograms(added)))
          return { routes, router }
        })
        for (const step of steps) {
          const [changed, scratch, slow] = [
            lookup(step.router),
            compiled(step.routes),
            linearRouter(step.routes),
          ]
          for (const head of requests) {
            const expected = slow(head)
            expect(changed(head)).toEqual(expected)
            expect(scratch(head)).toEqual(expected)
          }
        }
      }),
      { numRuns: runs },
    )
  },
)

test('keeps nothing of removed routes', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 0, max: 25 }), (seed, count) => {
      const random = randomFrom(seed)
      const [kept, others] = [randomRoutes(random, count), randomRoutes(random, 60)]
      const scratch = indexOf(emptyHosts, 'add', kept)
      let index = indexOf(emptyHosts, 'add', kept.slice(0, 5))
      index = indexOf(index, 'add', others)
      index = indexOf(index, 'add', kept.slice(5))
      index = indexOf(index, 'remove', others)
      expect(outline(index)).toBe(outline(scratch))
    }),
    { numRuns: 60 },
  )
})

test('keeps a short list as a new one after it was long', () => {
  const routes = Array.from({ length: 100 }, (_, number) =>
    route({ id: uuidv5(namespace, String(number)), paths: ['/a'] }),
  )
  const long = indexOf(emptyHosts, 'add', routes)
  const short = indexOf(long, 'remove', routes.slice(32))
  expect(outline(short)).toBe(outline(indexOf(emptyHosts, 'add', routes.slice(0, 32))))
})

/** The structure of an index, with matchers as ids. */
const outline = (index: RouteIndex<string>): string =>
  JSON.stringify(index, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'program' in value ? value.program : value,
  )

function indexOf(
  start: RouteIndex<string>,
  action: 'add' | 'remove',
  routes: readonly RoutePattern[],
): RouteIndex<string> {
  let index = start
  for (const one of routes) {
    for (const matcher of compileMatchers(one, one.id))
      index = runToCompletion(changeIndex(index, action, matcher, placesOf(one, matcher)))
  }
  return index
}

test('a change shares all other parts', () => {
  const routes = Array.from({ length: 2_000 }, (_, number) =>
    route({
      id: uuidv5(namespace, String(number)),
      hosts: [`h${number}.com`],
      paths: ['/a', '/b'],
    }),
  )
  const index = indexOf(emptyHosts, 'add', routes)
  const known = objectsIn(index, new Set())
  const changed = { ...(routes[1_777] as RoutePattern), methods: ['GET'] }
  const next = indexOf(indexOf(index, 'remove', routes.slice(1_777, 1_778)), 'add', [changed])
  const fresh = [...objectsIn(next, new Set())].filter((one) => !known.has(one))
  expect(known.size).toBeGreaterThan(10_000)
  expect(fresh.length).toBeLessThan(30)
})

const namespace = '00000000-0000-4000-8000-000000000000'

function objectsIn(value: unknown, found: Set<object>): Set<object> {
  if (typeof value !== 'object' || value === null || found.has(value)) return found
  found.add(value)
  for (const part of Object.values(value)) objectsIn(part, found)
  return found
}

test('routes that differ in nothing but their order are changed one by one', () => {
  const routes = Array.from({ length: 1_500 }, (_, number) =>
    route({
      id: uuidv5(namespace, String(number)),
      paths: ['/a'],
      methods: number % 100 === 0 ? ['GET'] : ['PUT'],
    }),
  )
  const best = (some: readonly RoutePattern[]): string | undefined =>
    some
      .filter(({ methods }) => methods?.[0] === 'GET')
      .map(({ id }) => id)
      .toSorted()
      .at(-1)
  let router = compileRouter(withPrograms(routes))
  let rest: readonly RoutePattern[] = routes
  while (rest.length > 0) {
    expect(router.match(request({ path: '/a/b' }))?.route).toBe(best(rest))
    const gone = rest.filter(({ id }, at) => id === best(rest) || at % 11 === 0)
    rest = rest.filter((one) => !gone.includes(one))
    router = runToCompletion(router.with(withPrograms(gone), []))
  }
  expect(router.match(request({ path: '/a/b' }))).toBeUndefined()
})

test('refuses to remove a route that it does not have', () => {
  const one = route({ paths: ['/a'] })
  const router = compileRouter(withPrograms([one]))
  const other = route({ id: uuidv5(namespace, 'other'), paths: ['/a'] })
  expect(() => runToCompletion(router.with(withPrograms([other]), []))).toThrow('not in the router')
  expect(router.match(request({ path: '/a' }))?.route).toBe(one.id)
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
  const expressions = [
    'any(http.headers.x_v) ~ "(a+)+$" || any(http.queries.a) contains "b"',
    'http.path ~ "^(/a)*x$" || http.path ~ "(a|a)*b" || lower(http.path) =^ "a/b"',
  ].map((expression, at) => route({ id: uuidv5(namespace, `e${at}`), expression }))
  const router = compileRouter(
    [...routes, ...expressions].map((one) => ({ route: one, program: one })),
  )
  // The processor's time, for others may be busy here too.
  const started = process.threadCpuUsage()
  router.match(request(fields))
  expect(process.threadCpuUsage(started).user / 1000).toBeLessThan(500)
})
