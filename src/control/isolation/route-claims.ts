import { linearRegex } from '../../lib/linear-regex.ts'
import { normalizePattern } from '../../lib/normalize-path.ts'
import type { SnapshotItem } from '../../schema/snapshot.ts'

export type RouteItem = SnapshotItem<'routes'>

/** Requests that a route can match, as far as workspaces are kept apart by them. */
export type Claim = {
  readonly workspace: string
  /** The id of the route; of a name the id of what has it. */
  readonly route: string
  /** A name is a host that a workspace owns, or has a certificate or a route of TLS for. */
  readonly traffic: 'http' | 'stream' | 'name'
  /** A host pattern, of streams a server name; '' is any. In lower case and without a port. */
  readonly host: string
  /** What every path begins with, of streams the port; '' is any. */
  readonly path: string
  /** The field and its value that decide, as configured. */
  readonly shown: { readonly field: string; readonly value: string }
}

const streams: ReadonlySet<string> = new Set(['tcp', 'tls', 'tls_passthrough', 'udp'])

export const isOfStreams = ({ protocols }: Pick<RouteItem, 'protocols'>): boolean =>
  protocols.every((protocol) => streams.has(protocol))

/**
 * The claims of a route. Methods, headers and, over HTTP, server names narrow no claim: a caller who sends another method
 * to its own path would hand its credentials to another workspace. Of a regular expression the literal text that every
 * match begins with counts.
 */
export function claimsOf(route: RouteItem): readonly Claim[] {
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
export const namesOf = ({ snis }: RouteItem): readonly string[] =>
  filled(snis?.map(serverName)).map(({ start }) => start)

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
