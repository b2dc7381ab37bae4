import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import type { RegexMatch } from '../lib/linear-regex.ts'
import { normalizePath } from '../lib/normalize-path.ts'
import type { RequestHead } from './exchange.ts'
import { isOfStreams } from '../entities/route-expression.ts'
import { compileMatchers, coveredBy, placesOf, type Matcher } from './match/compile-matcher.ts'
import { describeExpression } from './match/describe-expression.ts'
import { emptyHosts } from './match/host-index.ts'
import { MatchInput } from './match/match-input.ts'
import type { RoutePattern } from './match/order-routes.ts'
import { changeIndex, findBest, type RouteIndex } from './match/route-index.ts'

/** A matched route, the pattern that matched, the normalized path, and the length of it that the pattern covered. */
export type Match<R> = {
  readonly route: R
  readonly pattern: string
  readonly path: string
  readonly covered: number
  /** Captured groups of the pattern; undefined for a plain prefix. */
  findGroups(this: void): RegexMatch | undefined
}

/**
 * Finds routes as Kong's router `expressions` does, which treats routes without expressions like `traditional_compatible`, at a cost that hardly grows with their number: hosts,
 * headers, server names and literal prefixes of paths are looked up, and only the remaining routes are tested one by one, best
 * first. Immutable.
 */
export type Router<R> = {
  /** The best route for the request. A route that accepts everything but the protocol matches too; `checkProtocol` answers then. */
  match(request: RequestHead): Match<R> | undefined
  /**
   * The router without some routes and with others, at the cost of these. Removed routes must be in the router, as they
   * were added. No two routes may have one id; a route that is changed is removed and added.
   */
  with(removed: Routes<R>, added: Routes<R>): CooperativeTask<Router<R>>
}

/** Routes of streams among them are skipped. */
type Routes<R> = Iterable<{ readonly route: RoutePattern; readonly program: R }>

export const emptyRouter = <R>(): Router<R> => routerOf(emptyHosts)

/** The router of these routes. */
export const compileRouter = <R>(routes: Routes<R>): Router<R> =>
  runToCompletion(emptyRouter<R>().with([], routes))

const routerOf = <R>(index: RouteIndex<R>): Router<R> => ({
  match(request) {
    const input = new MatchInput(request, normalizePath(request.path))
    const matcher = findBest(index, input)
    return matcher && describe(matcher, input)
  },
  *with(removed, added) {
    const without = yield* changeRoutes(index, 'remove', removed)
    return routerOf(yield* changeRoutes(without, 'add', added))
  },
})

function* changeRoutes<R>(
  index: RouteIndex<R>,
  action: 'add' | 'remove',
  routes: Routes<R>,
): CooperativeTask<RouteIndex<R>> {
  let next = index
  for (const { route, program } of routes) {
    yield
    if (isOfStreams(route)) continue
    for (const matcher of compileMatchers(route, program)) {
      yield
      next = yield* changeIndex(next, action, matcher, placesOf(route, matcher))
    }
  }
  return next
}

function describe<R>({ program, paths, expression }: Matcher<R>, input: MatchInput): Match<R> {
  const { path } = input
  if (expression !== undefined)
    return { route: program, path, ...describeExpression(expression.holds, input) }
  for (const test of paths) {
    const covered = coveredBy(test, path)
    if (covered >= 0) {
      const findGroups = (): RegexMatch | undefined => test.regex?.exec(path)
      return { route: program, pattern: test.pattern, path, covered, findGroups }
    }
  }
  return { route: program, pattern: '', path, covered: 0, findGroups: () => undefined }
}
