import type { AdminRoute } from '../admin-route.ts'

/** Finds the route of a path without its workspace prefix. In each segment a literal precedes a parameter, and a parameter precedes a wildcard. */
export function findAdminRoute(
  routes: readonly AdminRoute[],
  path: string,
): { readonly route: AdminRoute; readonly params: Record<string, string> } | undefined {
  const segments = segmentsOf(path)
  const [closest] = routes
    .map((route) => ({ route, match: matchPath(segmentsOf(route.path), segments) }))
    .flatMap(({ route, match }) => (match === undefined ? [] : [{ route, ...match }]))
    .toSorted((a, b) => (a.closeness < b.closeness ? -1 : 1))
  return closest === undefined ? undefined : { route: closest.route, params: closest.params }
}

const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '')

type Match = { readonly closeness: string; readonly params: Record<string, string> }

function matchPath(pattern: readonly string[], path: readonly string[]): Match | undefined {
  const params: Record<string, string> = {}
  let closeness = ''
  for (const [at, word] of pattern.entries()) {
    if (word === '*') {
      if (path.length <= at) return undefined
      return { closeness: `${closeness}2`, params: { ...params, '*': path.slice(at).join('/') } }
    }
    const segment = path[at]
    if (segment === undefined || (!word.startsWith(':') && word !== segment)) return undefined
    if (word.startsWith(':')) params[word.slice(1)] = decoded(segment)
    closeness += word.startsWith(':') ? '1' : '0'
  }
  return pattern.length === path.length ? { closeness, params } : undefined
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    // Not percent-encoded: it is compared as it stands, and finds nothing.
    return segment
  }
}
