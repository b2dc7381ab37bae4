import type { Configuration } from '../../control/configuration.ts'
import { parseFields } from '../../control/parse-fields.ts'
import { entities, type Entity } from '../../entities/entities.ts'
import { declaredName } from '../../entities/declaration.ts'
import type { PluginSchema } from '../../entities/plugin-schema.ts'
import { partialKindNamed } from '../../entities/redis-settings.ts'
import { vaultKindNamed } from '../../entities/vault-kinds.ts'
import { Problem } from '../../lib/problem.ts'
import type { AdminRoute, RequestContext, Located, PathContext } from '../admin-route.ts'
import { fillPath } from './collection-route.ts'
import { entityBody } from './entity-body.ts'
import { entitySchema, pluginSchema, settingsOnly, settingsSchema } from './schema-fields.ts'

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
        return pluginSchema(requestedPlugin(configuration, params['name']))
      },
    },
  },
  {
    // Kong's older path answers the settings only.
    path: '/plugins/schema/:name',
    locate: (context) => locateAt('/plugins/schema/:name', context),
    methods: {
      async GET({ configuration, params }) {
        return settingsSchema(requestedPlugin(configuration, params['name']))
      },
    },
  },
  kindRoute('vault', vaultKindNamed),
  kindRoute('partial', partialKindNamed),
  {
    path: '/schemas/partials/validate',
    action: 'read',
    locate: (context) => locateAt('/schemas/partials/validate', context),
    methods: { POST: async (context) => validate(context, requestedEntity('partials')) },
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
  if (found === undefined) throw noSchema('entity', name)
  return found
}

function requestedPlugin({ catalog }: Configuration, named: string | undefined): PluginSchema {
  const found = catalog.find(({ name }) => name === named)
  if (found === undefined) throw noSchema('plugin', named)
  return found
}

/** The schema of the settings of one kind of vault or partial. */
function kindRoute(
  noun: 'vault' | 'partial',
  find: (name: unknown) => Parameters<typeof settingsOnly>[0] | undefined,
): AdminRoute {
  const path = `/schemas/${noun}s/:name`
  return {
    path,
    locate: (context) => locateAt(path, context),
    methods: {
      async GET({ params }) {
        const found = find(params['name'])
        if (found === undefined) throw noSchema(noun, params['name'])
        return settingsOnly(found)
      },
    },
  }
}

const noSchema = (kind: 'entity' | 'plugin' | 'vault' | 'partial', name = ''): Problem =>
  new Problem('admin.no_schema', 404, `No ${kind} named '${name}'`)

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
