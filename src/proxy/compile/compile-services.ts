import type { Sliceable } from '../../lib/in-slices.ts'
import type { Snapshot } from '../../schema/snapshot.ts'
import type { Pool } from '../balance/open-pool.ts'
import type { PluginDefinition } from '../plugin.ts'
import type { ClientCaList } from '../tls/server-names.ts'
import { buildServiceTls, type ServiceTls } from '../tls/target-tls.ts'

type SnapshotService = Snapshot['services'][number]
type SnapshotUpstream = Snapshot['upstreams'][number]

/** A service with the way to its targets. */
export type ServiceProgram = {
  readonly service: SnapshotService
  readonly pool: Pool
  /** Host to send upstream, or '' for the target's own. */
  readonly hostHeader: string
  /** How its targets are spoken to in secret; undefined where they are not. */
  readonly tls: ServiceTls | undefined
  /** Whether they are offered HTTP/2 in the handshake. */
  readonly offersHttp2: boolean
}

/** The services of a snapshot, each with its pool. */
export function* compileServices(
  snapshot: Snapshot,
  pools: ReadonlyMap<string, Pool>,
  catalog: readonly PluginDefinition[],
): Sliceable<Map<string, ServiceProgram>> {
  const upstreams = new Map(
    snapshot.upstreams.map((upstream) => [`${upstream.workspace} ${upstream.name}`, upstream]),
  )
  const isOffered = http2Offers(snapshot, catalog)
  const services = new Map<string, ServiceProgram>()
  for (const service of snapshot.services) {
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

/** Which services are offered HTTP/2: those with protocol https on which, or on whose workspace, a plugin says so. */
function http2Offers(
  { plugins }: Snapshot,
  catalog: readonly PluginDefinition[],
): (service: SnapshotService) => boolean {
  const offering = new Set(
    catalog.filter(({ offersHttp2 }) => offersHttp2 === true).map(({ name }) => name),
  )
  const places = new Set(
    plugins
      .filter(({ name, enabled, route }) => enabled && offering.has(name) && route === null)
      .map(({ service, workspace }) => service?.id ?? workspace),
  )
  return ({ id, workspace, protocol }) =>
    protocol === 'https' && (places.has(id) || places.has(workspace))
}

const secure: ReadonlySet<string> = new Set(['https', 'wss', 'grpcs', 'tls'])

/** How the targets of a service are spoken to in secret; undefined where they are not. The client certificate of an upstream outweighs that of the service, as in Kong. */
function serviceTlsOf(
  service: SnapshotService,
  upstream: SnapshotUpstream | undefined,
  { certificates, ca_certificates: authorities }: Snapshot,
): ServiceTls | undefined {
  if (!secure.has(service.protocol)) return undefined
  const shown = upstream?.client_certificate ?? service.client_certificate
  const client = certificates.find(({ id }) => id === shown?.id)
  const trusted = service.ca_certificates?.flatMap((wanted) =>
    authorities.filter(({ id }) => id === wanted).map(({ cert }) => cert),
  )
  return buildServiceTls({
    verify: service.tls_verify ?? false,
    depth: service.tls_verify_depth ?? undefined,
    authorities: trusted,
    client: client === undefined ? undefined : { cert: client.cert, key: client.key },
  })
}

/** Whom clients are asked to be vouched for by: the authorities of every enabled plugin that judges client certificates. Undefined where none does. */
export function clientCaList(
  { plugins, ca_certificates: authorities }: Snapshot,
  catalog: readonly PluginDefinition[],
): ClientCaList | undefined {
  const asking = plugins.flatMap(({ name, enabled, config }) => {
    const trusted = catalog.find((definition) => definition.name === name)?.trustedAuthorities
    return enabled && trusted !== undefined ? [trusted(config)] : []
  })
  if (asking.length === 0) return undefined
  const ids = new Set(asking.flat())
  return { authorities: authorities.filter(({ id }) => ids.has(id)).map(({ cert }) => cert) }
}
