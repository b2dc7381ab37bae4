import { uuidv5 } from '../../lib/ids.ts'
import type { Stored } from '../../entities/entry.ts'

export type RoutePattern = Pick<
  Stored<'route'>,
  'id' | 'protocols' | 'methods' | 'hosts' | 'paths' | 'headers' | 'snis' | 'regex_priority'
> &
  // Absent in snapshots of versions without expressions.
  Partial<Pick<Stored<'route'>, 'expression' | 'priority'>>

/** The precedence of a route variant. */
export type Rank = {
  /** 13 bits: number of condition kinds, only plain hosts, number of headers, has a regular expression. One more for an expression of the whole route. */
  readonly major: number
  /** priority of an expression of the whole route, regex_priority, or path length. */
  readonly minor: number
  readonly id: string
}

/** Kong splits a route: a variant has paths of one length, or all regular expressions. */
export type RouteVariant = Rank & { readonly paths: readonly string[] }

/** The variants of a route. Their ranks depend on nothing but the route. */
export function variantsOf(route: RoutePattern): RouteVariant[] {
  const { expression, priority } = route
  // They precede all other routes, as with Kong's EXPRESSION_ONLY_BIT.
  if (isExpression(expression))
    return [{ paths: [], major: 0x2000, minor: priority ?? 0, id: route.id.toLowerCase() }]
  const groups = groupPaths(route.paths ?? [])
  return groups.map((paths, index) => {
    const id = groups.length === 1 ? route.id : uuidv5(splitNamespace, `${route.id}#${index + 1}`)
    return { paths, ...rankOf(route, paths), id: id.toLowerCase() }
  })
}

/** Whether a route has an expression instead of other conditions. */
export const isExpression = (expression: string | null | undefined): expression is string =>
  expression !== null && expression !== undefined

/** The order of Kong's routers `traditional_compatible` and `expressions`, best first. Of two equal variants, the greater id comes first. */
export function byRank(a: Rank, b: Rank): number {
  return b.major - a.major || b.minor - a.minor || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
}

// Kong derives the ids of split routes in this namespace, and its router compares them.
const splitNamespace = '7f145bf9-0dce-4f91-98eb-debbce4b9f6b'

function groupPaths(paths: readonly string[]): readonly (readonly string[])[] {
  if (paths.length < 2) return [paths]
  return [...Map.groupBy(paths, (path) => (isRegex(path) ? 0 : byteLength(path))).values()]
}

function rankOf(route: RoutePattern, paths: readonly string[]): Omit<Rank, 'id'> {
  const { methods, hosts, headers, snis } = route
  const headerCount = Math.min(sizeOf(headers), 255)
  const kinds = [methods, hosts, headers, snis, paths].filter((kind) => sizeOf(kind) > 0).length
  const isPlain = sizeOf(hosts) > 0 && !hosts?.some((host) => host.includes('*'))
  const [first = ''] = paths
  const hasRegex = isRegex(first)
  return {
    major: kinds * 0x400 + Number(isPlain) * 0x200 + headerCount * 2 + Number(hasRegex),
    minor: hasRegex ? route.regex_priority : byteLength(first) & 0x7_ffff,
  }
}

const sizeOf = (condition: object | null | undefined): number =>
  condition === null || condition === undefined ? 0 : Object.keys(condition).length

const byteLength = (path: string): number => Buffer.byteLength(path)

export const isRegex = (path: string): boolean => path.startsWith('~')
