import { Problem } from '../../lib/problem.ts'
import type { TargetOrder } from '../../schema/node-protocol.ts'
import type { Entry } from '../../entities/entry.ts'
import {
  requireEntry,
  requireParent,
  type AdminRoute,
  type Located,
  type PathContext,
} from '../admin-route.ts'
import { buildAsk, entrySegment } from '../../control/entity-paths.ts'
import { fillPath } from '../entities/collection-route.ts'
import { locateParent } from '../entities/locate-parent.ts'

/** Kong's manual health overrides of a target or of one of its addresses; workers apply them within seconds. */
export const targetOrderRoutes = (order: (order: TargetOrder) => void): AdminRoute[] =>
  ['/:item', '/:item/:address'].flatMap((suffix) =>
    ['healthy', 'unhealthy'].map((word) =>
      orderRoute(`/upstreams/:parent/targets${suffix}/${word}`, word === 'healthy', order),
    ),
  )

function orderRoute(
  path: string,
  healthy: boolean,
  order: (order: TargetOrder) => void,
): AdminRoute {
  return {
    path,
    statuses: { PUT: 204 },
    locate: (context) => locateTarget(path, context),
    methods: {
      async PUT(context) {
        const { params } = context
        const [parent, entry] = [
          requireParent(context, 'upstream'),
          requireEntry(context, 'target'),
        ]
        needChecks(parent)
        order({
          upstream: parent.id,
          target: entry.fields.target,
          address: params['address'] ?? null,
          healthy,
        })
        return undefined
      },
    },
  }
}

function locateTarget(path: string, context: PathContext): Located {
  const { configuration, workspaceRef, params, action } = context
  const { parent, alias } = locateParent(context, { field: 'upstream', entity: 'upstream' })
  const at = params['item'] ?? ''
  const within = { field: 'upstream', id: parent?.id ?? '' }
  const entry = configuration.find({ entity: 'target', workspace: workspaceRef.id, at, within })
  const named = {
    ...params,
    ...(parent === undefined ? {} : { parent: entrySegment('upstream', parent) }),
    ...(entry === undefined ? {} : { item: entrySegment('target', entry) }),
  }
  const ask = buildAsk('target', entry, workspaceRef, fillPath(path, named), action)
  return { check: { ask, aliases: [alias] }, entry, parent, isLost: parent === undefined }
}

/** Without health checks the workers keep no health state that could be overridden. */
function needChecks({ fields }: Entry<'upstream'>): void {
  const { active, passive } = fields.healthchecks
  const limits = Object.values(passive.unhealthy).filter((value) => typeof value === 'number')
  const isChecked =
    active.healthy.interval > 0 ||
    active.unhealthy.interval > 0 ||
    limits.some((limit) => limit > 0)
  if (isChecked) return
  const sentence = `healthchecks are off for upstream '${fields.name}'`
  throw new Problem('admin.unchecked', 400, sentence)
}
