import { changeKey, findPrefixes, type PrefixTree } from '../../lib/prefix-tree.ts'
import type { Matcher } from './compile-matcher.ts'
import type { MatchInput } from './match-input.ts'
import { findBetter, type MatcherList } from './matcher-list.ts'

/** Matchers by the literal prefixes of their paths. */
export type PathIndex<R> = PrefixTree<MatcherList<R>>

/** Changes the list of each literal. */
export function changePaths<R>(
  index: PathIndex<R>,
  literals: Iterable<string>,
  change: (list: MatcherList<R> | undefined) => MatcherList<R> | undefined,
): PathIndex<R> {
  let next = index
  for (const literal of literals) next = changeKey(next, literal, change)
  return next
}

/** The best matcher that accepts the request and is better than `best`, or `best`. */
export function findByPath<R>(
  index: PathIndex<R>,
  input: MatchInput,
  best: Matcher<R> | undefined,
): Matcher<R> | undefined {
  let found = best
  // Longer literals are usually better, and make tests of worse ones unnecessary.
  for (let prefix = findPrefixes(index, input.path); prefix !== undefined; prefix = prefix.shorter)
    found = findBetter(prefix.value, found, input, prefix.length)
  return found
}
