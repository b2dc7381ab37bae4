import type { KnownWorker } from '../../cluster/node-registry.ts'
import { entityNamed } from '../../entities/entities.ts'
import { parseTarget } from '../../entities/target-address.ts'
import type { UpstreamHealth } from '../../schema/upstream-health.ts'
import type { Entry } from '../../entities/entry.ts'
import { requireParent, type AdminRoute, type RequestContext } from '../admin-route.ts'
import { entrySegment } from '../../control/entity-paths.ts'
import { fillPath } from '../entities/collection-route.ts'
import { describeTargets } from './describe-targets.ts'
import { locateParent } from '../entities/locate-parent.ts'
import { presentTo } from '../entities/present-entry.ts'

const path = '/upstreams/:parent/health'

type TargetHealth = UpstreamHealth['targets'][number]

export function healthRoute(node: string, workers: () => readonly KnownWorker[]): AdminRoute {
  return {
    path,
    locate(context) {
      const { parent, alias } = locateParent(context, { field: 'upstream', entity: 'upstream' })
      const { workspaceRef, params, action } = context
      const at = parent === undefined ? (params['parent'] ?? '') : entrySegment('upstream', parent)
      const ask = { workspace: workspaceRef, path: fillPath(path, { parent: at }), action }
      return { check: { ask, aliases: [alias] }, parent, isLost: parent === undefined }
    },
    methods: {
      async GET(context) {
        const upstream = requireParent(context, 'upstream')
        const reports = workers().map(({ state }) => state.upstreams ?? [])
        const known = describeTargets(upstream.id, reports)
        const query = context.request.query as Record<string, string>
        const data =
          query['balancer_health'] === '1'
            ? { id: upstream.id, health: balancerHealth([...known.values()]) }
            : targetsOf(context, upstream).map((entry) => describe(context, entry, known))
        return { data, next: null, node_id: node }
      },
    },
  }
}

const targetsOf = (
  { configuration, principal, workspaceRef }: RequestContext,
  { id }: Entry<'upstream'>,
): Entry<'target'>[] => {
  const { mayRead } = configuration.readerFor(principal)
  const within = { field: 'upstream', id }
  return configuration
    .list({ entity: 'target', workspace: workspaceRef.id, within })
    .filter((entry) => mayRead('target', entry))
}

/** A target without a report from any worker is `HEALTHCHECKS_OFF`. */
function describe(
  context: RequestContext,
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
    ...presentTo(context, entityNamed('target'), entry),
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

function balancerHealth(targets: readonly TargetHealth[]): string {
  if (targets.every(({ health }) => health === 'HEALTHCHECKS_OFF')) return 'HEALTHCHECKS_OFF'
  const isUp = targets.some(({ health }) => health === 'HEALTHY' || health === 'HEALTHCHECKS_OFF')
  return isUp ? 'HEALTHY' : 'UNHEALTHY'
}
