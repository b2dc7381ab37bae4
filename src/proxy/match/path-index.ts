import { changeKey, findPrefixes, type PrefixTree } from '../../lib/prefix-tree.ts'
import type { RequestHead } from '../exchange.ts'
import type { Matcher } from './compile-matcher.ts'
import { findBetter, type MatcherList } from './matcher-list.ts'

/** Matchers by the literal prefixes of their paths. */
export type PathIndex<R> = PrefixTree<MatcherList<R>>

/** Changes the list of each literal of a matcher. */
export function changePaths<R>(
  index: PathIndex<R>,
  { paths }: Matcher<R>,
  change: (list: MatcherList<R> | undefined) => MatcherList<R> | undefined,
): PathIndex<R> {
  const literals = paths.length === 0 ? anyPath : new Set(paths.map(({ literal }) => literal))
  let next = index
  for (const literal of literals) next = changeKey(next, literal, change)
  return next
}

const anyPath: readonly string[] = ['']

/** The best matcher that accepts the request and is better than `best`, or `best`. */
export function findByPath<R>(
  index: PathIndex<R>,
  request: RequestHead,
  path: string,
  best: Matcher<R> | undefined,
): Matcher<R> | undefined {
  let found = best
  // Longer literals are usually better, and spare the tests of what is worse.
  for (let prefix = findPrefixes(index, path); prefix !== undefined; prefix = prefix.shorter)
    found = findBetter(prefix.value, found, request, path, prefix.length)
  return found
}
