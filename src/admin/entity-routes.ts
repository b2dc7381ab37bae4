import { entities } from '../schema/entities.ts'
import type { Entity } from '../schema/entity.ts'
import type { AdminRoute } from './admin-route.ts'
import { collectionRoute } from './collection-route.ts'
import { consumerGroupRoute } from './consumer-group-route.ts'
import { itemRoute } from './item-route.ts'
import { referenceRoute } from './reference-route.ts'

/** Entities that are reachable only under the one they belong to. */
const onlyNested: ReadonlySet<string> = new Set([
  'target',
  'group-member',
  'endpoint-permission',
  'entity-permission',
  'grant',
  'token',
  'group-role',
])

/** Entities whose nested paths are of a form of their own. */
const ownForm: ReadonlySet<string> = new Set([
  'endpoint-permission',
  'grant',
  'group-member',
  'group-role',
  'token',
])

/** Everything that follows from the list of entities: collections, items, both under the entities they refer to, and the way back. */
export function entityRoutes(): AdminRoute[] {
  return entities.flatMap((entity) => [
    ...(onlyNested.has(entity.name) ? [] : topRoutes(entity)),
    ...(ownForm.has(entity.name) ? [] : nestedRoutes(entity)),
  ])
}

function topRoutes(entity: Entity): AdminRoute[] {
  const path = `/${entity.plural}`
  const back = Object.entries(entity.refersTo).map(([field, target]) =>
    referenceRoute({ path: `${path}/:item/${field}`, holder: entity, field, target }),
  )
  const item =
    entity.name === 'consumer-group'
      ? consumerGroupRoute
      : itemRoute({ path: `${path}/:item`, entity })
  return [collectionRoute({ path, entity }), item, ...back]
}

function nestedRoutes(entity: Entity): AdminRoute[] {
  return Object.entries(entity.refersTo).flatMap(([field, parent]) => {
    const over = entities.find(({ name }) => name === parent)
    const path = `/${over?.plural ?? parent}/:parent/${entity.nestedAs ?? entity.plural}`
    const under = { field, entity: parent }
    return [
      collectionRoute({ path, entity, under }),
      itemRoute({ path: `${path}/:item`, entity, under }),
    ]
  })
}
