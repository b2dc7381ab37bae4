import { notFound } from '../../entities/kong-problem.ts'
import { parseFields } from '../../control/parse-fields.ts'
import { entities, type Entity } from '../../entities/entities.ts'
import { declaredName } from '../../entities/declaration.ts'
import { vaultKindNamed } from '../../entities/vault-kinds.ts'
import type { AdminRoute, RequestContext, Located, PathContext } from '../admin-route.ts'
import { fillPath } from './collection-route.ts'
import { entityBody } from './entity-body.ts'
import { entitySchema, pluginSchema, vaultSchema } from './schema-fields.ts'

/** Schemas of entities and plugins, and validation of bodies against them. The answers contain nothing of the configuration. */
export const schemaRoutes: readonly AdminRoute[] = [
  {
    path: '/schemas/:entity',
    locate: (context) => locateAt('/schemas/:entity', context),
    methods: { GET: async ({ params }) => entitySchema(requestedEntity(params['entity'])) },
  },
  {
    path: '/schemas/:entity/validate',
    action: 'read',
    locate: (context) => locateAt('/schemas/:entity/validate', context),
    methods: {
      POST: async (context) => validate(context, requestedEntity(context.params['entity'])),
    },
  },
  {
    path: '/schemas/plugins/:name',
    locate: (context) => locateAt('/schemas/plugins/:name', context),
    methods: {
      async GET({ configuration, params }) {
        const found = configuration.catalog.find(({ name }) => name === params['name'])
        if (found === undefined) throw notFound()
        return pluginSchema(found)
      },
    },
  },
  {
    path: '/schemas/vaults/:name',
    locate: (context) => locateAt('/schemas/vaults/:name', context),
    methods: {
      async GET({ params }) {
        const found = vaultKindNamed(params['name'])
        if (found === undefined) throw notFound()
        return vaultSchema(found)
      },
    },
  },
  {
    path: '/schemas/vaults/validate',
    action: 'read',
    locate: (context) => locateAt('/schemas/vaults/validate', context),
    methods: { POST: async (context) => validate(context, requestedEntity('vaults')) },
  },
  {
    path: '/schemas/plugins/validate',
    action: 'read',
    locate: (context) => locateAt('/schemas/plugins/validate', context),
    methods: { POST: async (context) => validate(context, requestedEntity('plugins')) },
  },
]

/** Resolves a path that names no entity. */
export function locateAt(path: string, { workspaceRef, params, action }: PathContext): Located {
  const ask = { workspace: workspaceRef, path: fillPath(path, params), action }
  return { check: { ask }, isLost: workspaceRef.id === '' }
}

function requestedEntity(name: string | undefined): Entity {
  const found = entities.find((entity) => schemaNames(entity).includes(name ?? ''))
  if (found === undefined) throw notFound()
  return found
}

const schemaNames = (entity: Entity): string[] => [
  entity.name,
  entity.plural,
  declaredName(entity),
  entity.plural.replace('/', '-').replace(/s$/, ''),
  ...(entity.schemaAliases ?? []),
]

function validate(context: RequestContext, entity: Entity): unknown {
  const {
    id: _id,
    created_at: _created,
    updated_at: _updated,
    ...body
  } = entityBody(context, entity)
  const fields = Object.entries(body).filter(([name]) => !(name in (entity.virtual ?? {})))
  parseFields(entity, Object.fromEntries(fields), context.configuration.catalog)
  return { message: 'schema validation successful' }
}
