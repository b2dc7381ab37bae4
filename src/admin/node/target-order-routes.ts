import { Problem } from '../../lib/problem.ts'
import type { TargetOrder } from '../../schema/node-protocol.ts'
import type { Entry } from '../../entities/entry.ts'
import { entryOf, parentOf, type AdminRoute, type Located, type Locating } from '../admin-route.ts'
import { askAbout, segmentOf } from '../entities/entity-paths.ts'
import { filled } from '../entities/collection-route.ts'
import { locateParent } from '../entities/locate-parent.ts'

/** A person's word that a target, or one of its addresses, is well or not; the workers that carry requests go by it within seconds. */
export const targetOrderRoutes = (order: (order: TargetOrder) => void): AdminRoute[] =>
  ['/:item', '/:item/:address'].flatMap((place) =>
    ['healthy', 'unhealthy'].map((word) =>
      orderRoute(`/upstreams/:parent/targets${place}/${word}`, word === 'healthy', order),
    ),
  )

function orderRoute(
  path: string,
  healthy: boolean,
  order: (order: TargetOrder) => void,
): AdminRoute {
  return {
    path,
    locate: (locating) => locateTarget(path, locating),
    methods: {
      async PUT(asked) {
        const { params, reply } = asked
        const [parent, entry] = [parentOf(asked, 'upstream'), entryOf(asked, 'target')]
        needChecks(parent)
        order({
          upstream: parent.id,
          target: entry.fields.target,
          address: params['address'] ?? null,
          healthy,
        })
        void reply.code(204)
        return undefined
      },
    },
  }
}

function locateTarget(path: string, locating: Locating): Located {
  const { configuration, place, params, action } = locating
  const { parent, alias } = locateParent(locating, { field: 'upstream', entity: 'upstream' })
  const at = params['item'] ?? ''
  const within = { field: 'upstream', id: parent?.id ?? '' }
  const entry = configuration.find({ entity: 'target', workspace: place.id, at, within })
  const named = {
    ...params,
    ...(parent === undefined ? {} : { parent: segmentOf('upstream', parent) }),
    ...(entry === undefined ? {} : { item: segmentOf('target', entry) }),
  }
  const ask = askAbout('target', entry, place, filled(path, named), action)
  return { check: { ask, aliases: [alias] }, entry, parent, isLost: parent === undefined }
}

/** Where nothing is ever found out about targets, nothing could be remembered of them either. */
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
