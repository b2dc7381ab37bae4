import { entityNamed } from '../../entities/entities.ts'
import { notFound } from '../../entities/kong-problem.ts'
import type { Entry } from '../../entities/entry.ts'
import {
  parentOf,
  type AdminRoute,
  type Asked,
  type Located,
  type Locating,
} from '../admin-route.ts'
import { pathOf } from '../entities/entity-paths.ts'
import { collectionRoute } from '../entities/collection-route.ts'
import { entityBody } from '../entities/entity-body.ts'
import { changeOne } from '../entities/make-change.ts'
import { presentEntry } from '../entities/present-entry.ts'
import { locateUnder } from './role-routes.ts'

const endpointPermission = entityNamed('endpoint-permission')
const path = '/rbac/roles/:parent/endpoints'
const list = collectionRoute({
  path,
  entity: endpointPermission,
  under: { field: 'role', entity: 'role' },
})

/** What a role says at endpoints; a permission that names no workspace is about the one of the path. */
export const endpointPermissionsRoute: AdminRoute = {
  ...list,
  methods: {
    ...list.methods,
    async POST(asked) {
      const { after } = await changeOne(
        asked,
        {
          kind: 'create',
          entity: 'endpoint-permission',
          workspace: asked.place.id,
          within: { field: 'role', id: parentOf(asked, 'role').id },
          body: { workspace: asked.place.name, ...entityBody(asked, endpointPermission) },
        },
        201,
      )
      void asked.reply.code(201)
      return present(after)
    },
  },
}

/** One permission of a role, addressed by workspace and endpoint, for example `…/endpoints/default/services/orders`. */
export const endpointPermissionRoute: AdminRoute = {
  path: `${path}/:place/*`,
  locate: locatePermission,
  methods: {
    GET: async ({ entry }) => present(entry),
    async PATCH(asked) {
      const { after } = await changeOne(asked, { ...operationOn(asked), kind: 'update' }, 200)
      return present(after)
    },
    async DELETE(asked) {
      const { body: _body, ...address } = operationOn(asked)
      await changeOne(asked, { ...address, kind: 'delete' }, 204)
      void asked.reply.code(204)
      return undefined
    },
  },
}

function locatePermission(locating: Locating): Located {
  const { configuration, place, params } = locating
  const located = locateUnder('role', path, locating)
  const endpoint = params['*'] ?? ''
  const entry = configuration
    .list({ entity: 'endpoint-permission', workspace: place.id })
    .find(
      ({ fields }) =>
        fields.role.id === located.parent?.id &&
        fields.workspace === params['place'] &&
        spellings(endpoint).includes(fields.endpoint),
    )
  const ask = located.check.ask
  const whole = `${ask.path}${pathOf(params['place'] ?? '', endpoint)}`
  return { ...located, check: { ask: { ...ask, path: whole } }, entry }
}

/** The slash before an endpoint is part of the path; any path is `*` and comes as `*` or, from decK, as `/*`. */
const spellings = (endpoint: string): string[] =>
  endpoint === '*' ? ['*', '/*'] : [`/${endpoint}`, endpoint]

function operationOn(asked: Asked) {
  if (asked.entry === undefined) throw notFound()
  return {
    entity: endpointPermission.name,
    workspace: asked.place.id,
    at: asked.entry.id,
    body: entityBody(asked, endpointPermission),
  }
}

function present(entry: Entry | undefined): unknown {
  if (entry === undefined) throw notFound()
  return presentEntry(endpointPermission, entry)
}
