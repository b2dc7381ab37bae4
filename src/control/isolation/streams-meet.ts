import { patternsMeet } from '../../lib/host-pattern.ts'
import { blockListOf, readRange } from '../../lib/ip-range.ts'
import { namesOf, type RouteItem } from './route-claims.ts'

type Endpoints = RouteItem['sources']
type Endpoint = NonNullable<Endpoints>[number]

/** Whether a connection can match two routes of streams. */
export const streamsMeet = (a: RouteItem, b: RouteItem): boolean =>
  protocolsMeet(a, b) &&
  endpointsMeet(a.sources, b.sources) &&
  endpointsMeet(a.destinations, b.destinations)

/** A connection without TLS has no server name; one with TLS can be for a route of `tls` or of `tls_passthrough`. */
function protocolsMeet(a: RouteItem, b: RouteItem): boolean {
  const both = (protocols: ReadonlySet<string>): boolean =>
    [a, b].every((route) => route.protocols.some((protocol) => protocols.has(protocol)))
  return both(tcp) || both(udp) || (both(tls) && namesMeet(namesOf(a), namesOf(b)))
}

const tcp: ReadonlySet<string> = new Set(['tcp'])
const udp: ReadonlySet<string> = new Set(['udp'])
const tls: ReadonlySet<string> = new Set(['tls', 'tls_passthrough'])

const namesMeet = (some: readonly string[], others: readonly string[]): boolean =>
  some.some((one) => others.some((other) => patternsMeet(one, other)))

const endpointsMeet = (some: Endpoints, others: Endpoints): boolean =>
  isAny(some) ||
  isAny(others) ||
  some.some((one) => others.some((other) => portsMeet(one, other) && rangesMeet(one.ip, other.ip)))

const isAny = (endpoints: Endpoints): endpoints is null =>
  endpoints === null || endpoints.length === 0

const portsMeet = (a: Endpoint, b: Endpoint): boolean =>
  a.port === null || b.port === null || a.port === b.port

/** Two ranges meet when one contains the first address of the other. */
const rangesMeet = (a: string | null, b: string | null): boolean =>
  a === null || b === null || contains(a, b) || contains(b, a)

function contains(range: string, other: string): boolean {
  const [outer, { address, family }] = [readRange(range), readRange(other)]
  return outer.family === family && blockListOf([outer]).check(address, family)
}
