import type { Snapshot } from '../../schema/snapshot.ts'
import type { ClientCaList } from '../tls/server-names.ts'
import type { PluginTables } from './prepare-plugins.ts'

/** The CAs that TLS handshakes with clients accept: those of every enabled plugin that checks client certificates. Undefined if there is none. */
export function clientCasOf(
  { checkingCertificates, authorities }: PluginTables,
  known: Snapshot['ca_certificates'],
): ClientCaList | undefined {
  if (checkingCertificates === 0) return undefined
  return { authorities: [...authorities.keys()].flatMap((id) => known.get(id)?.cert ?? []) }
}
