import { orderedSet, type OrderedSet } from '../../lib/ordered-set.ts'
import { accepts, type Matcher } from './compile-matcher.ts'
import type { MatchInput } from './match-input.ts'
import { byRank } from './order-routes.ts'

/** Matchers, best first. Long lists are sets, so that a change does not copy all of it. */
export type MatcherList<R> = readonly Matcher<R>[] | OrderedSet<Matcher<R>>

const maxArray = 32

export function addMatcher<R>(
  list: MatcherList<R> | undefined,
  matcher: Matcher<R>,
): MatcherList<R> {
  if (list === undefined) return [matcher]
  if (!isArray(list)) return list.with([], [matcher])
  const place = list.findIndex((other) => byRank(other, matcher) > 0)
  const longer = list.toSpliced(place < 0 ? list.length : place, 0, matcher)
  return longer.length <= maxArray ? longer : orderedSet(longer, byRank)
}

/** Throws when the list has no matcher of this rank. */
export function removeMatcher<R>(
  list: MatcherList<R> | undefined,
  matcher: Matcher<R>,
): MatcherList<R> | undefined {
  if (list === undefined) throw missing(matcher)
  if (isArray(list)) {
    const place = list.findIndex((other) => byRank(other, matcher) === 0)
    if (place < 0) throw missing(matcher)
    return list.length === 1 ? undefined : list.toSpliced(place, 1)
  }
  const shorter = list.with([matcher], [])
  if (shorter.size === list.size) throw missing(matcher)
  return shorter.size <= maxArray ? [...shorter.from(() => true)] : shorter
}

const missing = ({ id }: Matcher<unknown>): Error =>
  new Error(`route variant ${id} cannot be removed: it is not in the router`)

/** The first matcher that accepts the request and is better than `best`, or `best`. See `accepts`. */
export function findBetter<R>(
  list: MatcherList<R>,
  best: Matcher<R> | undefined,
  input: MatchInput,
  length: number,
): Matcher<R> | undefined {
  if (!isArray(list)) {
    const found = list.find(
      best === undefined
        ? (matcher) => accepts(matcher, input, length)
        : (matcher) => byRank(matcher, best) >= 0 || accepts(matcher, input, length),
    )
    return found !== undefined && isBetter(found, best) ? found : best
  }
  for (const matcher of list) {
    if (!isBetter(matcher, best)) return best
    if (accepts(matcher, input, length)) return matcher
  }
  return best
}

const isBetter = (matcher: Matcher<unknown>, best: Matcher<unknown> | undefined): boolean =>
  best === undefined || byRank(matcher, best) < 0

const isArray = <R>(list: MatcherList<R>): list is readonly Matcher<R>[] => Array.isArray(list)
