import type { Route } from '../../schema/route.ts'

/** A host pattern, ready to compare with a lower-case host. */
export type HostTest = {
  readonly kind: 'exact' | 'suffix' | 'prefix'
  readonly text: string
  readonly port: number | undefined
}

/** A header that must be there with one of some values. */
export type HeaderTest = { readonly name: string; readonly accepts: (value: string) => boolean }

/** One way to match a route. A route whose paths differ in length or kind becomes several, as in Kong's `traditional_compatible` router. */
export type Matcher<R> = {
  readonly route: R
  readonly protocols: readonly string[]
  readonly methods: ReadonlySet<string> | undefined
  readonly hosts: readonly HostTest[] | undefined
  readonly headers: readonly HeaderTest[]
  readonly prefixes: readonly string[]
  readonly regexes: readonly { readonly source: string; readonly regex: RegExp }[]
  /** Compared place by place, higher first. */
  readonly priority: readonly number[]
  readonly id: string
}

/** Matchers of all routes in the order in which they are to be tried. Higher first: number of kinds of conditions, only plain hosts, number of headers, has a regular expression, its priority, length of path; of equals the larger id. */
export function compileRoutes<R>(
  routes: readonly { readonly route: Route; readonly program: R }[],
): Matcher<R>[] {
  const matchers = routes.flatMap(({ route, program }) =>
    splitPaths(route).map((paths) => compileMatcher(route, program, paths)),
  )
  return matchers.toSorted((a, b) => comparePriority(b, a))
}

function comparePriority(a: Matcher<unknown>, b: Matcher<unknown>): number {
  for (const [place, value] of a.priority.entries()) {
    const difference = value - (b.priority[place] as number)
    if (difference !== 0) return difference
  }
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** The paths of a route in groups: one for each length of plain path, one for all regular expressions. */
function splitPaths(route: Route): readonly (readonly string[])[] {
  const paths = route.paths ?? []
  if (paths.length === 0) return [[]]
  const groups = Map.groupBy(paths, (path) => (path.startsWith('~') ? -1 : path.length))
  return [...groups.values()]
}

function compileMatcher<R>(route: Route, program: R, paths: readonly string[]): Matcher<R> {
  const regexes = paths
    .filter((path) => path.startsWith('~'))
    .map((path) => ({ source: path, regex: compileRegex(path.slice(1)) }))
  const prefixes = paths.filter((path) => !path.startsWith('~'))
  const hosts = filled(route.hosts)?.map(compileHost)
  const headers = Object.entries(route.headers ?? {}).map(([name, values]) =>
    compileHeader(name, values),
  )
  const methods = filled(route.methods)
  const kinds = [methods, hosts, headers.length > 0, paths.length > 0].filter(Boolean).length
  const plainHosts = hosts !== undefined && hosts.every((host) => host.kind === 'exact')
  return {
    route: program,
    protocols: route.protocols,
    methods: methods && new Set(methods),
    hosts,
    headers,
    prefixes,
    regexes,
    priority: [
      kinds,
      Number(plainHosts),
      headers.length,
      Number(regexes.length > 0),
      regexes.length > 0 ? route.regex_priority : 0,
      regexes.length > 0 ? 0 : Math.max(0, ...prefixes.map((path) => path.length)),
    ],
    id: route.id,
  }
}

/** A path regular expression anchored at its start; PCRE's `(?P<name>` is JavaScript's `(?<name>`. */
export function compileRegex(source: string): RegExp {
  return new RegExp(`^(?:${source.replaceAll('(?P<', '(?<')})`)
}

function compileHost(pattern: string): HostTest {
  const [name = '', port] = pattern.toLowerCase().split(':', 2)
  const asked = port === undefined ? undefined : Number(port)
  if (name.startsWith('*')) return { kind: 'suffix', text: name.slice(1), port: asked }
  if (name.endsWith('*')) return { kind: 'prefix', text: name.slice(0, -1), port: asked }
  return { kind: 'exact', text: name, port: asked }
}

function compileHeader(name: string, values: readonly string[]): HeaderTest {
  const [only = ''] = values
  if (values.length === 1 && only.startsWith('~*')) {
    const regex = new RegExp(only.slice(2), 'i')
    return { name: name.toLowerCase(), accepts: (value) => regex.test(value) }
  }
  const accepted = new Set(values.map((value) => value.toLowerCase()))
  return { name: name.toLowerCase(), accepts: (value) => accepted.has(value.toLowerCase()) }
}

const filled = <T>(list: readonly T[] | null): readonly T[] | undefined =>
  list === null || list.length === 0 ? undefined : list
