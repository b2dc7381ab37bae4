import type { Snapshot } from '../../schema/snapshot.ts'
import type { PluginDefinition } from '../plugin.ts'
import type { ClientCaList } from '../tls/server-names.ts'
import { buildServiceTls, type ServiceTls } from '../tls/target-tls.ts'

type SnapshotService = Snapshot['services'][number]
type SnapshotUpstream = Snapshot['upstreams'][number]

const secure: ReadonlySet<string> = new Set(['https', 'wss', 'grpcs', 'tls'])

/** How the targets of a service are spoken to in secret; undefined where they are not. The client certificate of an upstream outweighs that of the service, as in Kong. */
export function serviceTlsOf(
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
