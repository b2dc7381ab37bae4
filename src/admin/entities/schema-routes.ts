import { notFound } from '../../entities/kong-problem.ts'
import { parseFields } from '../../control/parse-fields.ts'
import { entities, type Entity } from '../../entities/entities.ts'
import { declaredName } from '../../entities/declaration.ts'
import { vaultKindNamed } from '../../entities/vault-kinds.ts'
import type { AdminRoute, Asked, Located, Locating } from '../admin-route.ts'
import { filled } from './collection-route.ts'
import { entityBody } from './entity-body.ts'
import { entitySchema, pluginSchema, vaultSchema } from './schema-fields.ts'

/** Schemas of entities and plugins, and bodies held against them; nothing of the configuration is told. */
export const schemaRoutes: readonly AdminRoute[] = [
  {
    path: '/schemas/:entity',
    locate: (locating) => locateAt('/schemas/:entity', locating),
    methods: { GET: async ({ params }) => entitySchema(entityIn(params['entity'])) },
  },
  {
    path: '/schemas/:entity/validate',
    action: 'read',
    locate: (locating) => locateAt('/schemas/:entity/validate', locating),
    methods: { POST: async (asked) => validate(asked, entityIn(asked.params['entity'])) },
  },
  {
    path: '/schemas/plugins/:name',
    locate: (locating) => locateAt('/schemas/plugins/:name', locating),
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
    locate: (locating) => locateAt('/schemas/vaults/:name', locating),
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
    locate: (locating) => locateAt('/schemas/vaults/validate', locating),
    methods: { POST: async (asked) => validate(asked, entityIn('vaults')) },
  },
  {
    path: '/schemas/plugins/validate',
    action: 'read',
    locate: (locating) => locateAt('/schemas/plugins/validate', locating),
    methods: { POST: async (asked) => validate(asked, entityIn('plugins')) },
  },
]

/** A path about no entity. */
export function locateAt(path: string, { place, params, action }: Locating): Located {
  const ask = { workspace: place, path: filled(path, params), action }
  return { check: { ask }, isLost: place.id === '' }
}

function entityIn(name: string | undefined): Entity {
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

function validate(asked: Asked, entity: Entity): unknown {
  const { id: _id, created_at: _created, updated_at: _updated, ...body } = entityBody(asked, entity)
  const fields = Object.entries(body).filter(([name]) => !(name in (entity.virtual ?? {})))
  parseFields(entity, Object.fromEntries(fields), asked.configuration.catalog)
  return { message: 'schema validation successful' }
}
