import { createHash } from 'node:crypto'
import { normalizePath } from '../../src/lib/normalize-path.ts'
import type { RequestHead } from '../../src/proxy/exchange.ts'
import type { RoutePattern } from '../../src/proxy/match/order-routes.ts'
import { matchSlowly, treeOf } from './random-expressions.ts'

export type LookupResult = {
  readonly route: string
  readonly pattern: string
  readonly covered: number
}

/** A route variant as Kong splits routes: paths of one length, or all regular expressions. */
type Part = {
  readonly route: RoutePattern
  readonly id: string
  readonly paths: readonly string[] | null
  readonly rank: readonly number[]
}

/** A simple router: tests every variant in order of rank by Kong's documentation, with built-in regular expressions. */
export function linearRouter(
  routes: readonly RoutePattern[],
): (request: RequestHead) => LookupResult | undefined {
  const parts = routes.flatMap(splitRoute).toSorted(byRank)
  return (request) => {
    const path = normalizePath(request.path)
    for (const { route, paths } of parts) {
      if (typeof route.expression === 'string') {
        const found = hasScheme(route, request) && matchSlowly(treeOf(route.expression), request)
        if (found) return { route: route.id, ...found }
        continue
      }
      if (!acceptsRest(route, request)) continue
      if (paths === null) return { route: route.id, pattern: '', covered: 0 }
      for (const pattern of paths) {
        const covered = coveredBy(pattern, path)
        if (covered >= 0) return { route: route.id, pattern, covered }
      }
    }
    return undefined
  }
}

/** With `https` alone an expression matches without TLS too, to be answered with a redirect. */
function hasScheme({ protocols }: RoutePattern, { scheme }: RequestHead): boolean {
  if (protocols.length === 1 && ['https', 'wss'].includes(protocols[0] as string)) return true
  const secure = scheme === 'https'
  return protocols.some((one) => ['https', 'grpcs', 'wss'].includes(one) === secure)
}

function splitRoute(route: RoutePattern): Part[] {
  if (typeof route.expression === 'string')
    return [{ route, id: route.id, paths: null, rank: [1e3, route.priority ?? 0, 0, 0, 0, 0] }]
  if (route.paths === null) return [{ route, id: route.id, paths: null, rank: rankOf(route, null) }]
  const groups = Map.groupBy(route.paths, (path) =>
    path.startsWith('~') ? 'regex' : lengthOf(path),
  )
  return [...groups.values()].map((paths, index) => ({
    route,
    id: groups.size === 1 ? route.id : kongId(`${route.id}#${index + 1}`),
    paths,
    rank: rankOf(route, paths),
  }))
}

/** Kong counts bytes. */
const lengthOf = (path: string): number => new TextEncoder().encode(path).length

/** RFC 9562 section 5.5, in Kong's namespace. */
function kongId(name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from('7f145bf90dce4f9198ebdebbce4b9f6b', 'hex'))
    .update(name)
    .digest('hex')
  const variant = ((Number.parseInt(hash.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `5${hash.slice(13, 16)}`,
    variant + hash.slice(17, 20),
    hash.slice(20, 32),
  ].join('-')
}

function rankOf(route: RoutePattern, paths: readonly string[] | null): number[] {
  const { methods, hosts, headers, snis, regex_priority: priority } = route
  const hasRegex = paths !== null && paths[0]?.startsWith('~') === true
  return [
    [methods, hosts, headers, snis, paths].filter((condition) => condition !== null).length,
    hosts !== null && hosts.every((host) => !host.includes('*')) ? 1 : 0,
    Object.keys(headers ?? {}).length,
    hasRegex ? 1 : 0,
    hasRegex ? priority : 0,
    hasRegex ? 0 : lengthOf(paths?.[0] ?? ''),
  ]
}

function byRank(a: Part, b: Part): number {
  const place = a.rank.findIndex((value, index) => value !== b.rank[index])
  if (place >= 0) return (b.rank[place] as number) - (a.rank[place] as number)
  return a.id > b.id ? -1 : 1
}

function acceptsRest(route: RoutePattern, request: RequestHead): boolean {
  const { methods, hosts, headers, snis } = route
  if (methods !== null && !methods.includes(request.method)) return false
  if (hosts !== null && !hosts.some((pattern) => acceptsHost(pattern, request))) return false
  if (snis !== null && request.scheme === 'https') {
    if (!snis.some((name) => acceptsName(name.replace(/\.$/, ''), request.serverName ?? '')))
      return false
  }
  return Object.entries(headers ?? {}).every(([name, values]) =>
    request.headers
      .all(name.toLowerCase())
      .some((given) => values.some((value) => acceptsHeader(value, given))),
  )
}

function acceptsHost(pattern: string, { host, port }: RequestHead): boolean {
  const [name = '', wanted] = pattern.split(':')
  return acceptsName(name, host) && (wanted === undefined || Number(wanted) === port)
}

function acceptsName(pattern: string, name: string): boolean {
  const expression = pattern.replaceAll('.', String.raw`\.`).replace('*', '.+')
  return new RegExp(`^${expression}$`).test(name)
}

const acceptsHeader = (value: string, given: string): boolean =>
  value.startsWith('~*')
    ? new RegExp(value.slice(2), 'i').test(given)
    : value.toLowerCase() === given.toLowerCase()

function coveredBy(pattern: string, path: string): number {
  if (!pattern.startsWith('~')) return path.startsWith(pattern) ? pattern.length : -1
  const source = pattern.slice(1).replaceAll('(?P<', '(?<')
  return new RegExp(`^(?:${source})`).exec(path)?.[0].length ?? -1
}
