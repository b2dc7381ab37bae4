import type { KnownWorker } from '../../cluster/node-registry.ts'
import { entityNamed } from '../../entities/entities.ts'
import { parseTarget } from '../../entities/target-address.ts'
import type { UpstreamHealth } from '../../schema/upstream-health.ts'
import type { Entry } from '../../entities/entry.ts'
import { parentOf, type AdminRoute, type Asked } from '../admin-route.ts'
import { segmentOf } from '../entities/entity-paths.ts'
import { filled } from '../entities/collection-route.ts'
import { describeTargets } from './describe-targets.ts'
import { locateParent } from '../entities/locate-parent.ts'
import { presentTo } from '../entities/present-entry.ts'

const path = '/upstreams/:parent/health'

type TargetHealth = UpstreamHealth['targets'][number]

/** The health of the targets of an upstream, as the workers see it. */
export function healthRoute(node: string, workers: () => readonly KnownWorker[]): AdminRoute {
  return {
    path,
    locate(locating) {
      const { parent, alias } = locateParent(locating, { field: 'upstream', entity: 'upstream' })
      const { place, params, action } = locating
      const at = parent === undefined ? (params['parent'] ?? '') : segmentOf('upstream', parent)
      const ask = { workspace: place, path: filled(path, { parent: at }), action }
      return { check: { ask, aliases: [alias] }, parent, isLost: parent === undefined }
    },
    methods: {
      async GET(asked) {
        const upstream = parentOf(asked, 'upstream')
        const reports = workers().map(({ state }) => state.upstreams ?? [])
        const known = describeTargets(upstream.id, reports)
        const query = asked.request.query as Record<string, string>
        const data =
          query['balancer_health'] === '1'
            ? { id: upstream.id, health: balancerHealth([...known.values()]) }
            : targetsOf(asked, upstream).map((entry) => describe(asked, entry, known))
        return { data, next: null, node_id: node }
      },
    },
  }
}

const targetsOf = ({ configuration, place }: Asked, { id }: Entry<'upstream'>): Entry<'target'>[] =>
  configuration.list({
    entity: 'target',
    workspace: place.id,
    within: { field: 'upstream', id },
  })

/** A target of which no worker reports counts as not checked. */
function describe(
  asked: Asked,
  entry: Entry<'target'>,
  known: ReadonlyMap<string, TargetHealth>,
): unknown {
  const { target: name, weight } = entry.fields
  const { health, addresses } = known.get(name) ?? { health: 'HEALTHCHECKS_OFF', addresses: [] }
  const isUsed = (address: { readonly health: string }) => address.health !== 'UNHEALTHY'
  const available = addresses.filter(isUsed).length * weight
  const total = addresses.length * weight
  const { host, port } = parseTarget(name) ?? { host: name, port: 8000 }
  return {
    ...presentTo(asked, entityNamed('target'), entry),
    health,
    data: {
      host,
      port,
      nodeWeight: weight,
      weight: { total, available, unavailable: total - available },
      addresses,
    },
  }
}

/** An upstream is healthy while one of its targets is. */
function balancerHealth(targets: readonly TargetHealth[]): string {
  if (targets.every(({ health }) => health === 'HEALTHCHECKS_OFF')) return 'HEALTHCHECKS_OFF'
  const isUp = targets.some(({ health }) => health === 'HEALTHY' || health === 'HEALTHCHECKS_OFF')
  return isUp ? 'HEALTHY' : 'UNHEALTHY'
}
