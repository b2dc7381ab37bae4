import { BlockList, isIP } from 'node:net'
import type { Stored } from '../../entities/entry.ts'

/** Properties of a connection that routes can match. */
export type StreamOrigin = {
  readonly kind: 'tcp' | 'tls' | 'tls_passthrough'
  readonly source: Endpoint
  readonly destination: Endpoint
  /** SNI. */
  readonly serverName: string | undefined
}

export type Endpoint = { readonly address: string; readonly port: number }

export type StreamRoutes<R> = {
  /** The matching route with the most conditions; of equals, the one with the greater id. */
  find(origin: StreamOrigin): R | undefined
}

type StreamRoute = Pick<Stored<'route'>, 'id' | 'protocols' | 'snis' | 'sources' | 'destinations'>
type Test = (origin: StreamOrigin) => boolean
type Pattern = { readonly ip: string | null; readonly port: number | null }

/** Ignores routes without a stream protocol. */
export function compileStreams<R>(
  routes: readonly { readonly route: StreamRoute; readonly program: R }[],
): StreamRoutes<R> {
  const compiled = routes
    .filter(({ route }) => route.protocols.some((protocol) => kinds.has(protocol)))
    .map(({ route, program }) => ({ route, program, tests: testsOf(route) }))
    .toSorted((a, b) => b.tests.length - a.tests.length || (a.route.id < b.route.id ? 1 : -1))
  return {
    find: (origin) =>
      compiled.find(
        ({ route, tests }) =>
          route.protocols.includes(origin.kind) && tests.every((accepts) => accepts(origin)),
      )?.program,
  }
}

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
