import type { Snapshot } from '../../schema/snapshot.ts'
import type { PluginDefinition } from '../plugin.ts'

type SnapshotService = Snapshot['services'][number]

/** Which services are offered HTTP/2: those with protocol https on which, or on whose workspace, a plugin says so. */
export function http2Offers(
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
