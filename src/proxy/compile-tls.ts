import type { Snapshot } from '../schema/snapshot.ts'
import { buildServiceTls, type ServiceTls } from './tls/target-tls.ts'

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
