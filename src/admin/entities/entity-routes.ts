import { entities, entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import type { AdminRoute } from '../admin-route.ts'
import { collectionRoute } from './collection-route.ts'
import { consumerGroupRoute, groupOverridesRoute } from './consumer-group-route.ts'
import { roleRoute } from '../rbac/kept-role.ts'
import { itemRoute } from './item-route.ts'
import { readableEntries } from './may-read-entry.ts'
import { referenceRoute } from './reference-route.ts'

/** Entities whose item has a special route. */
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
  return [...own, allTargetsRoute(), linkedPluginsRoute(), groupOverridesRoute]
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

/** The plugins that are linked to a partial, as Kong lists them. */
function linkedPluginsRoute(): AdminRoute {
  const { shows: _shows, ...route } = collectionRoute({
    path: '/partials/:parent/links',
    entity: entityNamed('plugin'),
    under: { field: 'partials', entity: 'partial' },
  })
  return {
    ...route,
    answers: { GET: linksAnswer },
    methods: {
      async GET(context) {
        const page = (await route.methods.GET?.(context)) as { readonly data: readonly Linked[] }
        const data = page.data.map(({ id, name, instance_name }) => ({ id, name, instance_name }))
        const within = { field: 'partials', id: context.parent?.id ?? '' }
        const list = { entity: 'plugin' as const, workspace: context.workspaceRef.id, within }
        return { ...page, data, count: [...readableEntries(context, list)].length }
      },
    },
  }
}

type Linked = { readonly id: string; readonly name: string; readonly instance_name: string | null }

const linksAnswer = {
  type: 'object',
  required: ['data', 'count', 'next'],
  properties: {
    data: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'name'],
        properties: {
          id: { type: 'string' },
          name: { type: 'string' },
          instance_name: { type: ['string', 'null'] },
        },
      },
    },
    count: { type: 'integer' },
    next: { type: ['string', 'null'] },
  },
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
