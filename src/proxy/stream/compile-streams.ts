import type { Stored } from '../../entities/entry.ts'
import { parseRouteExpression } from '../../entities/route-expression.ts'
import { runToCompletion, type CooperativeTask } from '../../lib/cooperative-task.ts'
import type { Endpoint } from '../front/origin.ts'
import { hostTest } from '../../lib/host-pattern.ts'
import { blockListOf, familyOf, readRange } from '../../lib/ip-range.ts'
import { compileExpression, type ReadField } from '../match/compile-expression.ts'
import { isExpression } from '../match/order-routes.ts'
import { orderedSet, type OrderedSet } from '../../lib/ordered-set.ts'

export type StreamKind = 'tcp' | 'tls' | 'tls_passthrough' | 'udp'

/** Properties of a connection, or of the first datagram of a session, that routes can match. */
export type StreamOrigin = {
  /** The protocols of routes that could take it. */
  readonly kinds: readonly StreamKind[]
  readonly source: Endpoint
  readonly destination: Endpoint
  /** SNI. */
  readonly serverName: string | undefined
}

/** Finds routes of streams. Immutable. */
export type StreamRoutes<R> = {
  /** The matching route that comes first in the order of Kong's router `expressions`. */
  find(origin: StreamOrigin): R | undefined
  /** These without some routes and with others, as `with` of a router; routes without a stream protocol are skipped. */
  with(removed: Routes<R>, added: Routes<R>): CooperativeTask<StreamRoutes<R>>
}

type StreamRoute = Pick<Stored<'route'>, 'id' | 'protocols' | 'snis' | 'sources' | 'destinations'> &
  Partial<Pick<Stored<'route'>, 'expression' | 'priority'>>
type Routes<R> = Iterable<{ readonly route: StreamRoute; readonly program: R }>
type Test = (origin: StreamOrigin) => boolean
type Pattern = { readonly ip: string | null; readonly port: number | null }

type Compiled<R> = {
  readonly route: StreamRoute
  readonly program: R
  readonly priority: number
  readonly tests: readonly Test[]
}

export const emptyStreams = <R>(): StreamRoutes<R> =>
  streamsOf(orderedSet<Compiled<R>>([], compare))

export const compileStreams = <R>(routes: Routes<R>): StreamRoutes<R> =>
  runToCompletion(emptyStreams<R>().with([], routes))

const streamsOf = <R>(ordered: OrderedSet<Compiled<R>>): StreamRoutes<R> => ({
  find: (origin) =>
    ordered.find(
      ({ route, tests }) =>
        origin.kinds.some((kind) => route.protocols.includes(kind)) &&
        tests.every((accepts) => accepts(origin)),
    )?.program,
  *with(removed, added) {
    let next = ordered
    for (const one of compileRoutes(removed)) {
      yield
      if (one === undefined) continue
      const rest = next.with([one], [])
      if (rest.size === next.size)
        throw new Error(`stream route ${one.route.id} cannot be removed: it is not in the index`)
      next = rest
    }
    for (const one of compileRoutes(added)) {
      yield
      if (one !== undefined) next = next.with([], [one])
    }
    return streamsOf(next)
  },
})

/** Undefined for a route that is not of streams. */
function* compileRoutes<R>(routes: Routes<R>): Iterable<Compiled<R> | undefined> {
  for (const { route, program } of routes)
    yield route.protocols.some((protocol) => kinds.has(protocol))
      ? { route, program, priority: priorityOf(route), tests: testsOf(route) }
      : undefined
}

const compare = (a: Compiled<unknown>, b: Compiled<unknown>): number =>
  b.priority - a.priority || (a.route.id < b.route.id ? 1 : a.route.id > b.route.id ? -1 : 0)

/** As Kong's `stream_get_priority`: routes with an expression come first, by their priority; then server names, or sources beside destinations, come first; then what the sources name,
 *  then what the destinations name. */
function priorityOf(route: StreamRoute): number {
  const { snis, sources, destinations, expression, priority } = route
  if (isExpression(expression)) return 512 + (priority ?? 0)
  const isNamed = (snis ?? []).length > 0
  const hasBothEnds = (sources ?? []).length > 0 && (destinations ?? []).length > 0
  return (
    (isNamed || hasBothEnds ? 256 : 0) + weightOf(sources ?? []) * 16 + weightOf(destinations ?? [])
  )
}

/** A bit each for an address, a port and a CIDR block, in this order, whichever pattern of the list names them. */
function weightOf(patterns: readonly Pattern[]): number {
  const has = (holds: (pattern: Pattern) => boolean): number => Number(patterns.some(holds))
  const isBlock = ({ ip }: Pattern): boolean => ip?.includes('/') === true
  return (
    has((pattern) => pattern.ip !== null && !isBlock(pattern)) * 4 +
    has(({ port }) => port !== null) * 2 +
    has(isBlock)
  )
}

const kinds: ReadonlySet<string> = new Set(['tcp', 'tls', 'tls_passthrough', 'udp'])

const plain: ReadonlySet<StreamKind> = new Set(['tcp', 'udp'])

function testsOf(route: StreamRoute): Test[] {
  const { snis, sources, destinations, expression, protocols } = route
  if (isExpression(expression))
    return [compileExpression(parseRouteExpression(expression, protocols), readField)]
  const names = (snis ?? []).map((name) => name.toLowerCase().replace(/\.$/, ''))
  const isNamed = hostTest(names)
  const from = (sources ?? []).map(compileEndpoint)
  const to = (destinations ?? []).map(compileEndpoint)
  return [
    // Without TLS there is no server name, so that none is required.
    ...(names.length === 0
      ? []
      : [
          (origin: StreamOrigin) =>
            origin.kinds.some((kind) => plain.has(kind)) || isNamed(origin.serverName ?? ''),
        ]),
    ...(from.length === 0
      ? []
      : [({ source }: StreamOrigin) => from.some((accepts) => accepts(source))]),
    ...(to.length === 0
      ? []
      : [({ destination }: StreamOrigin) => to.some((accepts) => accepts(destination))]),
  ]
}

function compileEndpoint({ ip, port }: Pattern): (endpoint: Endpoint) => boolean {
  const list = ip === null ? undefined : blockListOf([readRange(ip)])
  return ({ address, port: actual }) =>
    (port === null || port === actual) &&
    (list === undefined || list.check(address, familyOf(address)))
}

/** Reads a field of a connection. */
function readField(field: string): ReadField<StreamOrigin> {
  const reader = readers[field]
  if (reader === undefined) throw new Error(`connections have no field '${field}'`)
  return reader
}

const readers: Readonly<Record<string, ReadField<StreamOrigin>>> = {
  'net.protocol': ({ kinds: [kind] }) => (kind === 'tls_passthrough' ? 'tls' : kind),
  'net.src.ip': ({ source }) => source.address,
  'net.src.port': ({ source }) => source.port,
  'net.dst.ip': ({ destination }) => destination.address,
  'net.dst.port': ({ destination }) => destination.port,
  'tls.sni': ({ serverName }) => serverName,
}
