import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import type { Pool } from '../balance/open-pool.ts'
import type { PluginDefinition } from '../plugin.ts'
import type { ClientCaList } from '../tls/server-names.ts'
import { buildServiceTls, type ServiceTls } from '../tls/target-tls.ts'

type SnapshotService = SnapshotItem<'services'>
type SnapshotUpstream = SnapshotItem<'upstreams'>

/** A service with its pool. */
export type ServiceProgram = {
  readonly service: SnapshotService
  readonly pool: Pool
  /** Host header, or '' for that of the target. */
  readonly hostHeader: string
  /** Undefined for plain connections. */
  readonly tls: ServiceTls | undefined
  /** Whether the TLS handshake offers HTTP/2. */
  readonly offersHttp2: boolean
}

/** The services of a snapshot, each with its pool. */
export function* compileServices(
  snapshot: Snapshot,
  pools: ReadonlyMap<string, Pool>,
  catalog: readonly PluginDefinition[],
): CooperativeTask<Map<string, ServiceProgram>> {
  const upstreams = new Map(
    [...snapshot.upstreams.values()].map((upstream) => [
      `${upstream.workspace} ${upstream.name}`,
      upstream,
    ]),
  )
  const isOffered = http2Offers(snapshot, catalog)
  const services = new Map<string, ServiceProgram>()
  for (const service of snapshot.services.values()) {
    yield
    const upstream = upstreams.get(`${service.workspace} ${service.host}`)
    const hostHeader = upstream === undefined ? hostHeaderOf(service) : (upstream.host_header ?? '')
    const pool = pools.get(upstream?.id ?? service.id) as Pool
    const tls = serviceTlsOf(service, upstream, snapshot)
    const offersHttp2 = isOffered(service)
    services.set(service.id, { service, pool, hostHeader, tls, offersHttp2 })
  }
  return services
}

function hostHeaderOf({ host, port, protocol }: SnapshotService): string {
  const usual = ['https', 'wss', 'grpcs'].includes(protocol) ? 443 : 80
  return port === usual ? host : `${host}:${port}`
}

/** HTTP/2 is offered to https services with such a plugin on them or on their workspace. */
function http2Offers(
  { plugins }: Snapshot,
  catalog: readonly PluginDefinition[],
): (service: SnapshotService) => boolean {
  const offering = new Set(
    catalog.filter(({ offersHttp2 }) => offersHttp2 === true).map(({ name }) => name),
  )
  const places = new Set(
    [...plugins.values()]
      .filter(({ name, enabled, route }) => enabled && offering.has(name) && route === null)
      .map(({ service, workspace }) => service?.id ?? workspace),
  )
  return ({ id, workspace, protocol }) =>
    protocol === 'https' && (places.has(id) || places.has(workspace))
}

const secure: ReadonlySet<string> = new Set(['https', 'wss', 'grpcs', 'tls'])

/** Undefined for plain connections. The client certificate of the upstream takes precedence over that of the service, as in Kong. */
function serviceTlsOf(
  service: SnapshotService,
  upstream: SnapshotUpstream | undefined,
  { certificates, ca_certificates: authorities }: Snapshot,
): ServiceTls | undefined {
  if (!secure.has(service.protocol)) return undefined
  const shown = upstream?.client_certificate ?? service.client_certificate
  const client = certificates.get(shown?.id ?? '')
  const trusted = service.ca_certificates?.flatMap((id) => authorities.get(id)?.cert ?? [])
  return buildServiceTls({
    verify: service.tls_verify ?? false,
    depth: service.tls_verify_depth ?? undefined,
    authorities: trusted,
    client: client === undefined ? undefined : { cert: client.cert, key: client.key },
  })
}

/** The CAs that TLS handshakes with clients accept: those of every enabled plugin that checks client certificates. Undefined if there is none. */
export function clientCaList(
  { plugins, ca_certificates: authorities }: Snapshot,
  catalog: readonly PluginDefinition[],
): ClientCaList | undefined {
  const asking = [...plugins.values()].flatMap(({ name, enabled, config }) => {
    const trusted = catalog.find((definition) => definition.name === name)?.trustedAuthorities
    return enabled && trusted !== undefined ? [trusted(config)] : []
  })
  if (asking.length === 0) return undefined
  const ids = new Set(asking.flat())
  return { authorities: [...ids].sort().flatMap((id) => authorities.get(id)?.cert ?? []) }
}
