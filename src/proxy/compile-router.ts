import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import type { RegexMatch } from '../lib/linear-regex.ts'
import { normalizePath } from '../lib/normalize-path.ts'
import type { RequestHead } from './exchange.ts'
import { accepts, compileMatcher, coveredBy, type Matcher } from './match/compile-matcher.ts'
import { HostIndex } from './match/host-index.ts'
import { orderRoutes, type RoutePattern, type RouteVariant } from './match/order-routes.ts'
import { PathIndex, type PathEntry } from './match/path-index.ts'
import { HeaderSniIndex } from './match/header-sni-index.ts'

/** A route that matched, the pattern by which it did, the normalized path, and how much of that the pattern covered. */
export type Match<R> = {
  readonly route: R
  readonly pattern: string
  readonly path: string
  readonly covered: number
  /** What the groups of the pattern caught; undefined for a plain prefix. */
  findGroups(this: void): RegexMatch | undefined
}

/** Finds routes. */
export type Router<R> = {
  /** The best route for the request. A route that accepts everything but the protocol matches too; `checkProtocol` answers then. */
  match(request: RequestHead): Match<R> | undefined
}

/**
 * Compiles routes to a router that decides as Kong's `traditional_compatible` does, at a cost that hardly grows with
 * their number: hosts, headers and server names are looked up, paths are searched in a sorted list, and only what is left is tested one
 * by one, best first. Routes of streams are skipped.
 */
export const compileRouter = <R>(routes: Routes<R>): Router<R> =>
  runToCompletion(routerSteps(routes))

type Routes<R> = readonly { readonly route: RoutePattern; readonly program: R }[]

/** The same as work that can be interrupted. */
export function* routerSteps<R>(routes: Routes<R>): CooperativeTask<Router<R>> {
  const ways = yield* orderRoutes(routes.filter(({ route }) => !isOfStreams(route)))
  const share = openShare()
  const matchers: Matcher<R>[] = []
  for (const way of ways) {
    yield
    matchers.push(compileMatcher(way, share))
  }
  const { hosts, traits, bucketOf, paths } = yield* indexMatchers(ways, matchers)
  return {
    match(request) {
      const path = normalizePath(request.path)
      const hostNumbers: number[] = []
      const traitNumbers: number[] = []
      hosts.find(request.host, request.port, hostNumbers)
      traits.find(request, traitNumbers)
      const isAccepted = (rank: number): boolean =>
        accepts(matchers[rank] as Matcher<R>, request, path)
      let best = matchers.length
      for (const host of hostNumbers) {
        for (const trait of traitNumbers) {
          const bucket = bucketOf(host, trait)
          if (bucket !== undefined) best = paths.find(bucket, path, best, isAccepted)
        }
      }
      const matcher = matchers[best]
      return matcher && describe(matcher, path)
    },
  }
}

/** Indexes matchers: a bucket for each pair of host and trait, and in it the literal prefixes of paths. */
function* indexMatchers<R>(ways: readonly RouteVariant<R>[], matchers: readonly Matcher<R>[]) {
  const hosts = new HostIndex()
  const traits = new HeaderSniIndex()
  const hostsOf = ways.map(({ route }) => hostNumbers(hosts, route.hosts))
  yield
  const traitsOf = matchers.map((matcher) => traits.add(matcher))
  const keyOf = (host: number, trait: number): number => host * traits.count + trait
  const buckets = new Map<number, number>()
  const entries: PathEntry[] = []
  for (const [rank, matcher] of matchers.entries()) {
    yield
    const texts = textsOf(matcher)
    for (const host of hostsOf[rank] as readonly number[]) {
      for (const trait of traitsOf[rank] as readonly number[]) {
        const key = keyOf(host, trait)
        const bucket = buckets.get(key) ?? buckets.size
        buckets.set(key, bucket)
        for (const text of texts) entries.push({ bucket, text, rank })
      }
    }
  }
  yield
  const bucketOf = (host: number, trait: number) => buckets.get(keyOf(host, trait))
  return { hosts, traits, bucketOf, paths: new PathIndex(entries, buckets.size) }
}

const streams: ReadonlySet<string> = new Set(['tcp', 'tls', 'tls_passthrough', 'udp'])

const isOfStreams = ({ protocols }: RoutePattern): boolean =>
  protocols.every((protocol) => streams.has(protocol))

/** Equal lists of methods share one set. */
function openShare(): (words: readonly string[]) => ReadonlySet<string> {
  const known = new Map<string, ReadonlySet<string>>()
  return (words) => {
    const key = words.join(' ')
    const set = known.get(key) ?? new Set(words)
    known.set(key, set)
    return set
  }
}

const anyHost: readonly number[] = [0]

function hostNumbers(table: HostIndex, hosts: RoutePattern['hosts']): readonly number[] {
  if (hosts === null || hosts.length === 0) return anyHost
  return hosts.length === 1
    ? [table.add(hosts[0] as string)]
    : [...new Set(hosts.map((host) => table.add(host)))]
}

const anyText: readonly string[] = ['']

function textsOf({ paths }: Matcher<unknown>): Iterable<string> {
  return paths.length === 0 ? anyText : new Set(paths.map(({ literal }) => literal))
}

function describe<R>({ program, paths }: Matcher<R>, path: string): Match<R> {
  for (const test of paths) {
    const covered = coveredBy(test, path)
    if (covered >= 0) {
      const findGroups = (): RegexMatch | undefined => test.regex?.exec(path)
      return { route: program, pattern: test.pattern, path, covered, findGroups }
    }
  }
  return { route: program, pattern: '', path, covered: 0, findGroups: () => undefined }
}
