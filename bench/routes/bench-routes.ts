import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { RequestHead } from '../../src/proxy/exchange.ts'
import { compileRouter, type Router } from '../../src/proxy/compile-router.ts'
import { runToCompletion } from '../../src/lib/cooperative-task.ts'
import { linearRouter } from '../../test/harness/linear-router.ts'
import { randomFrom } from '../../test/harness/random-routes.ts'
import { median, quantile, rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { buildEntries, measureChange } from './measure-change.ts'
import { buildRequests, buildRoutes, shapes, type Shape } from './shapes.ts'

const counts = [10, 1_000, 20_000, 100_000]
const changeCount = 10_000
const requestCount = 2_000
const batch = 50
const replacements = 200

/** Measures matching among many routes, and compiling them. */
export function benchRoutes({ rounds, onProgress }: BenchOptions): Report {
  const rows: Row[] = []
  for (const shape of shapes) {
    const subjects = counts.map((count) => openSubject(shape, count))
    for (let round = 0; round <= rounds; round++) {
      for (const subject of subjects) subject.measure(round > 0)
      onProgress(`${shape.name}: ${round === 0 ? 'warm-up' : `round ${round}`}`)
    }
    const first = subjects[0]?.matchMicroseconds() ?? Number.NaN
    rows.push(...subjects.map((subject) => subject.row(first)))
  }
  rows.push(...oneByOne(), measureChanges(rounds, onProgress))
  const notes = [
    `match_us is the median of batches of ${batch} matches over ${requestCount} requests, one of ten for no route; growth is against 10 routes.`,
    `change_us is the median of ${replacements} replacements of one route in the router, each a new router.`,
    'heap_mb is what the router holds beside the routes themselves. one by one asks every route in order.',
    'body_mb is the size of the snapshot as JSON; verify_ms parses and verifies it; swap_us is the time in which no request is taken; one_route_ms is a change of one route, compiled and swapped.',
  ]
  return { rows, notes }
}

type Added = {
  readonly route: ReturnType<typeof buildRoutes>[number]
  readonly program: string
}

function openSubject(shape: Shape, count: number) {
  const routes = buildRoutes(shape, count).map((route) => ({ route, program: route.id }))
  const requests = buildRequests(shape, { count, requestCount, random: randomFrom(count) })
  const times: number[] = []
  const compileTimes: number[] = []
  const changeTimes: number[] = []
  const before = heapBytes()
  let router = compileRouter(routes)
  const heap = heapBytes() - before
  return {
    measure(counts: boolean): void {
      const started = performance.now()
      router = compileRouter(routes)
      const compiled = performance.now() - started
      // Expressions are compiled on first use; a running gateway has compiled those it needs.
      for (const request of requests) router.match(request)
      const found = timeBatches(requests, (request) => router.match(request))
      const changed = timeChanges(router, routes)
      if (!counts) return
      changeTimes.push(...changed)
      compileTimes.push(compiled)
      times.push(...found)
    },
    matchMicroseconds: () => median(times),
    row: (first: number): Row => ({
      case: `${shape.name}, ${count.toLocaleString('en-US')} routes`,
      subject: 'weir',
      match_us: rounded(median(times), 2),
      match_p99_us: rounded(quantile(times, 0.99), 2),
      growth: rounded(median(times) / first, 2),
      change_us: rounded(median(changeTimes), 1),
      compile_ms: rounded(median(compileTimes), 1),
      heap_mb: rounded(heap / 1e6, 1),
    }),
  }
}

/** Microseconds per match, one value per batch. */
function timeBatches(
  requests: readonly RequestHead[],
  match: (request: RequestHead) => unknown,
): number[] {
  const times: number[] = []
  for (let at = 0; at < requests.length; at += batch) {
    const some = requests.slice(at, at + batch)
    const started = performance.now()
    for (const request of some) match(request)
    times.push(((performance.now() - started) * 1_000) / some.length)
  }
  return times
}

/** Microseconds per replacement of one route. */
function timeChanges(router: Router<string>, routes: readonly Added[]): number[] {
  let changed = router
  return Array.from({ length: Math.min(replacements, routes.length) }, (_, index) => {
    // Spread over all kinds of routes of a shape.
    const old = routes[(index * 7_919) % routes.length] as Added
    const fresh = { route: { ...old.route }, program: old.program }
    const started = performance.now()
    changed = runToCompletion(changed.with([old], [fresh]))
    return (performance.now() - started) * 1_000
  })
}

/** A linear router for comparison; it is too slow beyond a thousand routes. */
function oneByOne(): Row[] {
  const [shape] = shapes as readonly [Shape]
  return [10, 1_000].map((count) => {
    const requests = buildRequests(shape, { count, requestCount: 200, random: randomFrom(count) })
    const match = linearRouter(buildRoutes(shape, count))
    timeBatches(requests, match)
    return {
      case: `${shape.name}, ${count.toLocaleString('en-US')} routes`,
      subject: 'one by one',
      match_us: rounded(median(timeBatches(requests, match)), 2),
    }
  })
}

function measureChanges(rounds: number, onProgress: BenchOptions['onProgress']): Row {
  const entries = buildEntries(changeCount)
  const found = Array.from({ length: rounds + 1 }, () => measureChange(entries)).slice(1)
  onProgress(`a change among ${changeCount} services and routes: ${rounds} rounds`)
  const middle = (read: (one: (typeof found)[number]) => number): number =>
    rounded(median(found.map(read)), 1)
  return {
    case: `a change, ${changeCount.toLocaleString('en-US')} services and routes`,
    subject: 'weir',
    build_ms: middle(({ build }) => build),
    check_ms: middle(({ check }) => check),
    seal_ms: middle(({ seal }) => seal),
    verify_ms: middle(({ verify }) => verify),
    program_ms: middle(({ compile }) => compile),
    swap_us: middle(({ swap }) => swap * 1_000),
    one_route_ms: rounded(median(found.map(({ oneRoute }) => oneRoute)), 3),
    body_mb: middle(({ bodyMegabytes }) => bodyMegabytes),
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
