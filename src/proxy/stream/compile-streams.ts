import { BlockList, isIP } from 'node:net'
import type { Stored } from '../../entities/entry.ts'
import { runToCompletion, type CooperativeTask } from '../../lib/cooperative-task.ts'
import type { Endpoint } from '../front/origin.ts'
import { orderedSet, type OrderedSet } from '../../lib/ordered-set.ts'

/** Properties of a connection that routes can match. */
export type StreamOrigin = {
  readonly kind: 'tcp' | 'tls' | 'tls_passthrough'
  readonly source: Endpoint
  readonly destination: Endpoint
  /** SNI. */
  readonly serverName: string | undefined
}

/** Finds routes of streams. Immutable. */
export type StreamRoutes<R> = {
  /** The matching route with the most conditions; of equals, the one with the greater id. */
  find(origin: StreamOrigin): R | undefined
  /** These without some routes and with others, as `with` of a router; routes without a stream protocol are skipped. */
  with(removed: Routes<R>, added: Routes<R>): CooperativeTask<StreamRoutes<R>>
}

type StreamRoute = Pick<Stored<'route'>, 'id' | 'protocols' | 'snis' | 'sources' | 'destinations'>
type Routes<R> = Iterable<{ readonly route: StreamRoute; readonly program: R }>
type Test = (origin: StreamOrigin) => boolean
type Pattern = { readonly ip: string | null; readonly port: number | null }

type Compiled<R> = {
  readonly route: StreamRoute
  readonly program: R
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
        route.protocols.includes(origin.kind) && tests.every((accepts) => accepts(origin)),
    )?.program,
  *with(removed, added) {
    let next = ordered
    for (const one of compileRoutes(removed)) {
      const rest = next.with([one], [])
      if (rest.size === next.size)
        throw new Error(`stream route ${one.route.id} is to be removed and is not there`)
      next = rest
      yield
    }
    for (const one of compileRoutes(added)) {
      next = next.with([], [one])
      yield
    }
    return streamsOf(next)
  },
})

function* compileRoutes<R>(routes: Routes<R>): Iterable<Compiled<R>> {
  for (const { route, program } of routes)
    if (route.protocols.some((protocol) => kinds.has(protocol)))
      yield { route, program, tests: testsOf(route) }
}

const compare = (a: Compiled<unknown>, b: Compiled<unknown>): number =>
  b.tests.length - a.tests.length ||
  (a.route.id < b.route.id ? 1 : a.route.id > b.route.id ? -1 : 0)

const kinds: ReadonlySet<string> = new Set(['tcp', 'tls', 'tls_passthrough'])

function testsOf({ snis, sources, destinations }: StreamRoute): Test[] {
  const names = new Set(snis?.map((name) => name.toLowerCase().replace(/\.$/, '')))
  const from = (sources ?? []).map(compileEndpoint)
  const to = (destinations ?? []).map(compileEndpoint)
  return [
    ...(names.size === 0 ? [] : [({ serverName }: StreamOrigin) => names.has(serverName ?? '')]),
    ...(from.length === 0
      ? []
      : [({ source }: StreamOrigin) => from.some((accepts) => accepts(source))]),
    ...(to.length === 0
      ? []
      : [({ destination }: StreamOrigin) => to.some((accepts) => accepts(destination))]),
  ]
}

function compileEndpoint({ ip, port }: Pattern): (endpoint: Endpoint) => boolean {
  const list = new BlockList()
  const [address = '', bits] = ip?.split('/') ?? []
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  if (ip !== null) list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  return (endpoint) =>
    (port === null || port === endpoint.port) &&
    (ip === null || list.check(endpoint.address, isIP(endpoint.address) === 6 ? 'ipv6' : 'ipv4'))
}
