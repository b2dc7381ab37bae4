import { uuidv5 } from '../../lib/ids.ts'
import type { Stored } from '../../entities/entry.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'

export type RoutePattern = Pick<
  Stored<'route'>,
  'id' | 'protocols' | 'methods' | 'hosts' | 'paths' | 'headers' | 'snis' | 'regex_priority'
>

/** Kong splits a route: a variant has paths of one length, or all regular expressions. */
export type RouteVariant<R> = {
  readonly route: RoutePattern
  readonly program: R
  readonly paths: readonly string[]
}

type Ranked<R> = RouteVariant<R> & {
  /** 13 bits: number of condition kinds, only plain hosts, number of headers, has a regular expression. */
  readonly major: number
  /** regex_priority, or path length. */
  readonly minor: number
  readonly id: string
}

/** All variants in the order of Kong's `traditional_compatible` router. Of two equal variants, the greater id comes first. */
export function* orderRoutes<R>(
  routes: readonly { readonly route: RoutePattern; readonly program: R }[],
): CooperativeTask<RouteVariant<R>[]> {
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

// Kong derives the ids of split routes in this namespace, and its router compares them.
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

export const isRegex = (path: string): boolean => path.startsWith('~')
