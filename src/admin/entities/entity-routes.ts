import { entities, entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import type { AdminRoute } from '../admin-route.ts'
import { collectionRoute } from './collection-route.ts'
import { consumerGroupRoute, groupOverridesRoute } from './consumer-group-route.ts'
import { roleRoute } from '../rbac/kept-role.ts'
import { itemRoute } from './item-route.ts'
import { referenceRoute } from './reference-route.ts'

/** Entities whose item has a route of its own. */
const itemRoutes: Partial<Record<EntityName, AdminRoute>> = {
  'consumer-group': consumerGroupRoute,
  role: roleRoute,
}

/** Collections and items of each entity, nested under the entities they refer to, and the referenced entity under each item. */
export function entityRoutes(): AdminRoute[] {
  const own = entities.flatMap((entity) => [
    ...(entity.withoutRoutes?.includes('own') === true ? [] : topRoutes(entity)),
    ...(entity.withoutRoutes?.includes('nested') === true ? [] : nestedRoutes(entity)),
  ])
  return [...own, allTargetsRoute(), groupOverridesRoute]
}

/** Kong's list of all targets, which in earlier versions had more than `/targets`. */
function allTargetsRoute(): AdminRoute {
  const route = collectionRoute({
    path: '/upstreams/:parent/targets/all',
    entity: entityNamed('target'),
    under: { field: 'upstream', entity: 'upstream' },
  })
  const { GET } = route.methods
  return { ...route, methods: GET === undefined ? {} : { GET } }
}

function topRoutes(entity: Entity): AdminRoute[] {
  const path = `/${entity.plural}`
  const back = Object.entries(entity.refersTo).map(([field, target]) =>
    referenceRoute({ path: `${path}/:item/${field}`, holder: entity, field, target }),
  )
  const item = itemRoutes[entity.name] ?? itemRoute({ path: `${path}/:item`, entity })
  return [collectionRoute({ path, entity }), item, ...back]
}

function nestedRoutes(entity: Entity): AdminRoute[] {
  return Object.entries(entity.refersTo).flatMap(([field, parent]) => {
    const path = `/${entityNamed(parent).plural}/:parent/${entity.nestedAs ?? entity.plural}`
    const under = { field, entity: parent }
    return [
      collectionRoute({ path, entity, under }),
      itemRoute({ path: `${path}/:item`, entity, under }),
    ]
  })
}
