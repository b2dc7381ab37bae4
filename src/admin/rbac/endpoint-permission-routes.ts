import { entityNamed } from '../../entities/entities.ts'
import { notFound } from '../../entities/kong-problem.ts'
import type { Entry } from '../../entities/entry.ts'
import {
  requireParent,
  type AdminRoute,
  type RequestContext,
  type Located,
  type PathContext,
} from '../admin-route.ts'
import { buildPath } from '../../access/path.ts'
import { collectionRoute } from '../entities/collection-route.ts'
import { entityBody } from '../entities/entity-body.ts'
import { changeOne } from '../entities/make-change.ts'
import { presentEntry } from '../entities/present-entry.ts'
import { keepSuperAdmin } from './kept-role.ts'
import { locateUnder } from './role-routes.ts'

const endpointPermission = entityNamed('endpoint-permission')
const path = '/rbac/roles/:parent/endpoints'
const list = collectionRoute({
  path,
  entity: endpointPermission,
  under: { field: 'role', entity: 'role' },
})

/** The endpoint permissions of a role. `workspace` defaults to the workspace of the path. */
export const endpointPermissionsRoute: AdminRoute = {
  ...list,
  methods: {
    ...list.methods,
    async POST(context) {
      const { after } = await changeOne(
        context,
        {
          kind: 'create',
          entity: 'endpoint-permission',
          workspace: context.workspaceRef.id,
          within: { field: 'role', id: requireParent(context, 'role').id },
          body: {
            workspace: context.workspaceRef.name,
            ...entityBody(context, endpointPermission),
          },
        },
        201,
      )
      return present(after)
    },
  },
}

/** Addressed by workspace and endpoint, for example `…/endpoints/default/services/orders`. */
export const endpointPermissionRoute: AdminRoute = {
  path: `${path}/:permission_workspace/*`,
  locate: locatePermission,
  methods: {
    GET: async ({ entry }) => present(entry),
    async PATCH(context) {
      const { after } = await changeOne(context, { ...operationOn(context), kind: 'update' }, 200)
      return present(after)
    },
    async DELETE(context) {
      const kept = await keepSuperAdmin(context)
      if (kept !== undefined) return kept
      const { body: _body, ...address } = operationOn(context)
      await changeOne(context, { ...address, kind: 'delete' }, 204)
      return undefined
    },
  },
}

function locatePermission(context: PathContext): Located {
  const { configuration, workspaceRef, params } = context
  const located = locateUnder('role', path, context)
  const endpoint = params['*'] ?? ''
  const entry = configuration
    .list({ entity: 'endpoint-permission', workspace: workspaceRef.id })
    .find(
      ({ fields }) =>
        fields.role.id === located.parent?.id &&
        fields.workspace === params['permission_workspace'] &&
        spellings(endpoint).includes(fields.endpoint),
    )
  const ask = located.check.ask
  const permissionPath = `${ask.path}${buildPath(params['permission_workspace'] ?? '', endpoint)}`
  return { ...located, check: { ask: { ...ask, path: permissionPath } }, entry }
}

/** The leading slash is part of the stored endpoint. `*` matches any path; decK sends it as `/*`. */
const spellings = (endpoint: string): string[] =>
  endpoint === '*' ? ['*', '/*'] : [`/${endpoint}`, endpoint]

function operationOn(context: RequestContext) {
  if (context.entry === undefined) throw notFound()
  return {
    entity: endpointPermission.name,
    workspace: context.workspaceRef.id,
    at: context.entry.id,
    body: entityBody(context, endpointPermission),
  }
}

function present(entry: Entry | undefined): unknown {
  if (entry === undefined) throw notFound()
  return presentEntry(endpointPermission, entry)
}
