import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import type { Matcher } from './compile-matcher.ts'
import { changeHeaderSni, findHeaderSni, keysOf, type HeaderSniIndex } from './header-sni-index.ts'
import { changeHost, findHosts, type HostIndex } from './host-index.ts'
import type { MatchInput } from './match-input.ts'
import { addMatcher, removeMatcher } from './matcher-list.ts'
import { changePaths, findByPath, type PathIndex } from './path-index.ts'
import type { Place } from './places.ts'

/** Matchers by host, then by header or SNI, then by literal prefix of the path. Empty parts are removed. */
export type RouteIndex<R> = HostIndex<HeaderSniIndex<Paths<R>>>

type Paths<R> = NonNullable<PathIndex<R>>

/** The index with another matcher, or without one that it has. */
export function* changeIndex<R>(
  index: RouteIndex<R>,
  action: 'add' | 'remove',
  matcher: Matcher<R>,
  places: Iterable<Place>,
): CooperativeTask<RouteIndex<R>> {
  const changeList = action === 'add' ? addMatcher<R> : removeMatcher<R>
  const keys = keysOf(matcher)
  let next = index
  for (const { host, literals } of places) {
    const change = (paths: PathIndex<R>): PathIndex<R> =>
      changePaths(paths, literals, (list) => changeList(list, matcher))
    for (const key of keys) {
      next = changeHost(next, host, (ofHost) => changeHeaderSni(ofHost, key, change))
      yield
    }
  }
  return next
}

/** The best matcher that accepts the request. */
export function findBest<R>(index: RouteIndex<R>, input: MatchInput): Matcher<R> | undefined {
  const { request } = input
  const hosts: HeaderSniIndex<Paths<R>>[] = []
  findHosts(index, request.host, request.port, hosts)
  let best: Matcher<R> | undefined
  for (const host of hosts) {
    best = findByPath(host.any, input, best)
    for (const paths of findHeaderSni(host, request)) best = findByPath(paths, input, best)
  }
  return best
}
