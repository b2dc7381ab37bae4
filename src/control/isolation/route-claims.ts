import { isOfStreams, parseRouteExpression } from '../../entities/route-expression.ts'
import type { Expression } from '../../lib/expression.ts'
import { linearRegex } from '../../lib/linear-regex.ts'
import { normalizePattern } from '../../lib/normalize-path.ts'
import {
  boundsOf,
  httpBounds,
  streamBounds,
  type NameBound,
} from '../../schema/expression-bounds.ts'
import type { SnapshotItem } from '../../schema/snapshot.ts'

export type RouteItem = SnapshotItem<'routes'>

/** Requests that a route can match, by the properties that isolate workspaces. */
export type Claim = {
  readonly workspace: string
  /** Id of the route; for a name, id of its workspace, certificate or route. */
  readonly route: string
  /** A name is a host that a workspace owns, or has a certificate or a route of TLS for. */
  readonly traffic: 'http' | 'stream' | 'name'
  /** Host pattern, or server name of a stream; '' matches any. In lower case and without a port. */
  readonly host: string
  /** Prefix of every path, or port of a stream; '' matches any. */
  readonly path: string
  /** The deciding field and value, as configured. For an expression, `part` is the part of the traffic. */
  readonly shown: { readonly field: string; readonly value: string; readonly part?: string }
}

/**
 * The claims of a route. Methods, headers and, over HTTP, server names narrow no claim: a caller who sends another method
 * to its own path would hand its credentials to another workspace. Of a regular expression the literal text that every
 * match begins with counts; of an expression of Kong's router language, the hosts and paths outside of which it matches
 * nothing.
 */
export function claimsOf(route: RouteItem): readonly Claim[] {
  const expression = expressionOf(route)
  if (expression !== undefined) return expressionClaims(route, expression)
  const { id, workspace, protocols, hosts, paths, snis, destinations } = route
  const isStream = isOfStreams(route)
  const hasNames = protocols.every((protocol) => protocol.startsWith('tls'))
  const names = isStream
    ? filled(hasNames ? snis?.map(serverName) : undefined)
    : filled(hosts?.map(hostName))
  const places = isStream
    ? filled(
        destinations?.map(({ port }) => placed('destinations', port === null ? '' : `${port}`)),
      )
    : filled(paths?.map((path) => ({ ...placed('paths', path), start: startOf(path) })))
  const named = isStream ? [] : (snis ?? []).map((name) => nameClaim(workspace, id, name, 'snis'))
  const claims = names.flatMap((name) =>
    places.map((place): Claim => ({
      workspace,
      route: id,
      traffic: isStream ? 'stream' : 'http',
      host: name.start,
      path: isStream && place.start !== '' ? `${place.start}:` : place.start,
      shown: shownOf(name, place, isStream),
    })),
  )
  return [...claims, ...named]
}

/** A claim on a host alone, which certificates are compared with. */
export const nameClaim = (workspace: string, id: string, name: string, field: string): Claim => ({
  workspace,
  route: id,
  traffic: 'name',
  host: serverName(name).start,
  path: '',
  shown: { field, value: name },
})

/** The server names of a route of streams as patterns; '' is any. */
export function namesOf(route: RouteItem): readonly string[] {
  const expression = expressionOf(route)
  return expression === undefined
    ? filled(route.snis?.map(serverName)).map(({ start }) => start)
    : boundsOf(expression, streamBounds).map(({ name }) => patternOf(name))
}

/** Undefined for a route without an expression. */
function expressionOf({ expression, protocols }: RouteItem): Expression | undefined {
  // Absent in snapshots of versions without expressions.
  const text = expression as string | null | undefined
  return text === null || text === undefined ? undefined : parseRouteExpression(text, protocols)
}

function expressionClaims(route: RouteItem, expression: Expression): readonly Claim[] {
  const { id, workspace, protocols, expression: text } = route
  const isStream = isOfStreams(route)
  // A connection without TLS has no server name.
  const hasNames = !isStream || protocols.every((protocol) => protocol.startsWith('tls'))
  const shown = { field: 'expression', value: shortened(text ?? '') }
  const claims = boundsOf(expression, isStream ? streamBounds : httpBounds).map(
    ({ name, place }): Claim => {
      const host = hasNames ? patternOf(name) : ''
      const path = place.split('\0', 1)[0] as string
      const part = partOf(host, path, isStream)
      return {
        workspace,
        route: id,
        traffic: isStream ? 'stream' : 'http',
        host,
        path,
        shown: { ...shown, part },
      }
    },
  )
  const named = isStream ? [] : boundsOf(expression, { name: 'tls.sni', place: '' })
  const names = new Set(named.map(({ name }) => patternOf(name)).filter((name) => name !== ''))
  const nameClaims = [...names].map((name) => nameClaim(workspace, id, name, 'expression'))
  return [...claims, ...nameClaims]
}

/** The narrowest pattern of whole labels that has all names of a bound; '' is any. */
function patternOf({ kind, text }: NameBound): string {
  if (kind === 'any' || /[\0*]/.test(text)) return ''
  const plain = text.replace(/\.$/, '')
  if (kind === 'exact') return plain
  if (kind === 'suffix') return plain.includes('.') ? `*${plain.slice(plain.indexOf('.'))}` : ''
  const end = text.lastIndexOf('.')
  return end > 0 ? `${text.slice(0, end)}.*` : ''
}

function partOf(host: string, path: string, isStream: boolean): string {
  if (isStream) {
    const names = host === '' ? 'any server name' : `server name '${host}'`
    return `${names} and ${path === '' ? 'any port' : `port ${path.slice(0, -1)}`}`
  }
  const hosts = host === '' ? 'any host' : `host '${host}'`
  return `${hosts} and ${path === '' ? 'any path' : `paths that begin with '${path}'`}`
}

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)

/** A configured value, and what every value that it accepts begins with, or its pattern. */
type Part = { readonly field: string; readonly value: string; readonly start: string }

const placed = (field: string, value: string): Part => ({ field, value, start: value })

const anything: Part = { field: '', value: '', start: '' }

const filled = (parts: readonly Part[] | undefined): readonly Part[] =>
  parts === undefined || parts.length === 0 ? [anything] : parts

/** The port is left out: callers keep cookies and credentials by host name. */
const hostName = (host: string): Part => ({
  field: 'hosts',
  value: host,
  start: (host.split(':', 1)[0] as string).toLowerCase(),
})

const serverName = (name: string): Part => ({
  field: 'snis',
  value: name,
  start: name.toLowerCase().replace(/(?<=.)\.$/, ''),
})

/** NUL separates the parts of keys of the index, and a shorter prefix claims more. */
function startOf(path: string): string {
  if (!path.startsWith('~')) return normalizePattern(path)
  const { literal } = linearRegex(path.slice(1), { anchored: true })
  return literal.split('\0', 1)[0] as string
}

function shownOf(name: Part, place: Part, isStream: boolean): Claim['shown'] {
  const { field, value } = place.field === '' ? name : place
  if (field !== '') return { field, value }
  return isStream ? { field: 'sources', value: '' } : { field: 'paths', value: '/' }
}
