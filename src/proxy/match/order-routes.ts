import { uuidv5 } from '../../lib/ids.ts'
import type { Sliceable } from '../../lib/in-slices.ts'
import type { Stored } from '../../entities/entry.ts'

/** What routing needs of a route. */
export type RoutePattern = Pick<
  Stored<'route'>,
  'id' | 'protocols' | 'methods' | 'hosts' | 'paths' | 'headers' | 'snis' | 'regex_priority'
>

/** One of the ways in which a route matches: its paths are of one length, or all regular expressions. */
export type Way<R> = {
  readonly route: RoutePattern
  readonly program: R
  readonly paths: readonly string[]
}

type Ranked<R> = Way<R> & {
  /** Number of kinds of conditions, only plain hosts, number of headers, has a regular expression: 13 bits. */
  readonly major: number
  /** Priority of the regular expressions, or length of the path. */
  readonly minor: number
  readonly id: string
}

/** Every way of every route in the order in which Kong's `traditional_compatible` router would try them. Of two that are equal in everything else, the larger id comes first. */
export function* orderRoutes<R>(
  routes: readonly { readonly route: RoutePattern; readonly program: R }[],
): Sliceable<Way<R>[]> {
  const ways: Ranked<R>[] = []
  for (const { route, program } of routes) {
    yield
    const groups = groupPaths(route.paths ?? [])
    for (const [index, paths] of groups.entries()) {
      const id = groups.length === 1 ? route.id : uuidv5(splitNamespace, `${route.id}#${index + 1}`)
      ways.push({ route, program, paths, ...rankOf(route, paths), id: id.toLowerCase() })
    }
  }
  yield
  return ways.sort(byRank)
}

// Kong gives each way of a split route an id in this namespace, and its router compares those.
const splitNamespace = '7f145bf9-0dce-4f91-98eb-debbce4b9f6b'

function byRank(a: Ranked<unknown>, b: Ranked<unknown>): number {
  return b.major - a.major || b.minor - a.minor || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
}

function groupPaths(paths: readonly string[]): readonly (readonly string[])[] {
  if (paths.length < 2) return [paths]
  return [...Map.groupBy(paths, (path) => (isRegex(path) ? 0 : byteLength(path))).values()]
}

function rankOf(route: RoutePattern, paths: readonly string[]): { major: number; minor: number } {
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

/** Whether a configured path is a regular expression. */
export const isRegex = (path: string): boolean => path.startsWith('~')
