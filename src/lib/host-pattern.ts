/**
 * Host patterns as Kong's routes have them: `a.test`, `*.a.test`, which is every name that ends in `.a.test`, and `a.*`,
 * which is every name that begins with `a.`. In lower case and without a port; '' is every host.
 */

/** Stands for every pattern. */
const everyGroup = 'every'
/** Of patterns that are not ''. */
const namedGroup = 'named'

/** The groups that a pattern belongs to. There are as many as it has labels, and a few more. */
export function groupsOf(pattern: string): readonly string[] {
  if (pattern === '') return [everyGroup, `=${pattern}`]
  const own = [everyGroup, namedGroup, `=${pattern}`]
  if (pattern === '*') return own
  if (pattern.startsWith('*.'))
    return [...own, 'leading wildcard', ...suffixesOf(pattern).map((end) => `ends ${end}`)]
  if (pattern.endsWith('.*'))
    return [...own, 'trailing wildcard', ...prefixesOf(pattern).map((start) => `begins ${start}`)]
  return [
    ...own,
    ...suffixesOf(pattern).map((end) => `ends ${end}`),
    ...prefixesOf(pattern).map((start) => `begins ${start}`),
  ]
}

/** The groups whose members together are the patterns that a host can match besides this one. */
export function groupsMeeting(pattern: string): readonly string[] {
  if (pattern === '') return [everyGroup]
  return ['=', ...groupsMeetingName(pattern)]
}

/** `groupsMeeting` without the pattern ''. */
export function groupsMeetingName(pattern: string): readonly string[] {
  if (pattern === '*') return [namedGroup]
  const wider = ['=*', ...widerThan(pattern).map((other) => `=${other}`)]
  if (pattern.startsWith('*.')) return [...wider, `ends ${pattern.slice(1)}`, 'trailing wildcard']
  if (pattern.endsWith('.*'))
    return [...wider, `begins ${pattern.slice(0, -1)}`, 'leading wildcard']
  return [...wider, `=${pattern}`]
}

/** The group of the patterns all of whose hosts match this one. */
export function groupWithin(pattern: string): string {
  if (pattern === '') return everyGroup
  if (pattern === '*') return namedGroup
  if (pattern.startsWith('*.')) return `ends ${pattern.slice(1)}`
  return pattern.endsWith('.*') ? `begins ${pattern.slice(0, -1)}` : `=${pattern}`
}

/** The pattern and those that match all of its hosts, the most specific first; without `*` and ''. */
export const containing = (pattern: string): readonly string[] => [pattern, ...widerThan(pattern)]

/** Whether a host can match both patterns. */
export function patternsMeet(a: string, b: string): boolean {
  const groups = groupsOf(b)
  return groupsMeeting(a).some((group) => groups.includes(group))
}

/** Tests a host, in lower case, for matching one of some patterns. A wildcard is at least one character. */
export function hostTest(patterns: readonly string[]): (host: string) => boolean {
  const exact = new Set(patterns)
  const ends = patterns.filter((one) => one.startsWith('*.')).map((one) => one.slice(1))
  const starts = patterns.filter((one) => one.endsWith('.*')).map((one) => one.slice(0, -1))
  return (host) =>
    exact.has(host) ||
    ends.some((end) => host.length > end.length && host.endsWith(end)) ||
    starts.some((start) => host.length > start.length && host.startsWith(start))
}

function widerThan(pattern: string): readonly string[] {
  const wildcards = [
    ...(pattern.endsWith('.*') ? [] : suffixesOf(pattern).map((end) => `*${end}`)),
    ...(pattern.startsWith('*.') ? [] : prefixesOf(pattern).map((start) => `${start}*`)),
  ]
  return wildcards.filter((other) => other !== pattern)
}

/** `.b.c` and `.c` of `a.b.c`, and of `*.b.c`. */
function suffixesOf(name: string): readonly string[] {
  const found: string[] = []
  for (let at = name.indexOf('.', 1); at > 0; at = name.indexOf('.', at + 1))
    found.push(name.slice(at))
  return found
}

/** `a.b.` and `a.` of `a.b.c`, and of `a.b.*`. */
function prefixesOf(name: string): readonly string[] {
  const found: string[] = []
  for (let at = name.lastIndexOf('.', name.length - 2); at > 0; at = name.lastIndexOf('.', at - 1))
    found.push(name.slice(0, at + 1))
  return found
}
