import { entityNamed } from '../../entities/entities.ts'
import { schemaViolation } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import type { Entry } from '../../entities/entry.ts'
import { requireParent, type AdminRoute, type RequestContext } from '../admin-route.ts'
import { aliasRoute } from './alias-route.ts'
import { collectionRoute } from '../entities/collection-route.ts'
import { itemRoute } from '../entities/item-route.ts'
import { bodyFields, makeChange, writtenEntry } from '../entities/make-change.ts'
import { presentEntry } from '../entities/present-entry.ts'
import { findRole, isKnown, locateUnder } from './role-routes.ts'

const group = entityNamed('group')

/** Groups of the identity provider and their roles. Each path also exists without `/rbac`, as in Kong. */
export function groupRoutes(): AdminRoute[] {
  const kong = ['/groups', '/rbac/groups'] as const
  return [
    rolesRoute('/rbac/groups/:parent/roles'),
    userGroupsRoute,
    aliasRoute(collectionRoute({ path: '/groups', entity: group }), kong),
    aliasRoute(itemRoute({ path: '/groups/:item', entity: group }), kong),
    aliasRoute(rolesRoute('/groups/:parent/roles'), kong),
  ]
}

/** The roles that a group grants in the workspace of the path. */
const rolesRoute = (path: string): AdminRoute => ({
  path,
  statuses: { POST: 201 },
  locate: (context) => locateUnder('group', path, context),
  methods: {
    GET: async (context) => ({
      data: groupRoles(context).map((entry) => present(context, entry)),
      next: null,
    }),
    async POST(context) {
      const role = requestedRole(context)
      const operation: Operation = {
        kind: 'create',
        entity: 'group-role',
        workspace: null,
        body: { group: { id: requireParent(context, 'group').id }, role: { id: role.id } },
      }
      const change = await makeChange(context, [operation], 201)
      return present(context, writtenEntry(change, 'group-role'))
    },
    async DELETE(context) {
      const role = requestedRole(context)
      const operations = groupRoles(context)
        .filter((entry) => entry.fields.role.id === role.id)
        .map(({ id }): Operation => ({
          kind: 'delete',
          entity: 'group-role',
          workspace: null,
          at: id,
        }))
      await makeChange(context, operations, 204)
      return undefined
    },
  },
})

/** The groups of a principal at the identity provider, as far as they are declared here. */
const userGroupsRoute: AdminRoute = {
  path: '/rbac/users/:parent/groups',
  locate: (context) => locateUnder('principal', '/rbac/users/:parent/groups', context),
  methods: {
    async GET(context) {
      const { configuration, parent } = context
      const user = requireParent({ parent }, 'principal')
      const names = user.fields.groups
      const groups = configuration
        .list({ entity: 'group', workspace: null })
        .filter(({ fields }) => names.includes(fields.name))
        .filter((entry) => isKnown(context, 'group', entry))
      return {
        groups: groups.map((entry) => presentEntry(group, entry)),
        user: { id: user.id, name: user.fields.name },
      }
    },
  },
}

const rolesHere = ({ configuration, principal, workspaceRef }: RequestContext): Entry<'role'>[] => {
  const { mayRead } = configuration.readerFor(principal)
  return configuration
    .list({ entity: 'role', workspace: workspaceRef.id })
    .filter((role) => mayRead('role', role))
}

function groupRoles(context: RequestContext): Entry<'group-role'>[] {
  const here = new Set(rolesHere(context).map(({ id }) => id))
  const within = { field: 'group', id: requireParent(context, 'group').id }
  return context.configuration
    .list({ entity: 'group-role', workspace: null, within })
    .filter((entry) => here.has(entry.fields.role.id))
}

/** Kong sends the id of the role; a name is accepted too. Roles of another workspace are assigned under that workspace's path. */
function requestedRole(context: RequestContext): Entry<'role'> {
  const { rbac_role_id: id, role: name = id, workspace_id: workspace } = bodyFields(context)
  const { workspaceRef } = context
  if (typeof name !== 'string') throw schemaViolation({ rbac_role_id: 'required field missing' })
  const isHere =
    workspace === undefined || workspace === workspaceRef.id || workspace === workspaceRef.name
  const role = findRole(context, name)
  if (role !== undefined && isHere) return role
  throw schemaViolation({ rbac_role_id: `no role '${name}' in workspace '${workspaceRef.name}'` })
}

function present(context: RequestContext, entry: Entry<'group-role'>): unknown {
  const { configuration, workspaceRef } = context
  const role = rolesHere(context).find(({ id }) => id === entry.fields.role.id)
  const workspace = configuration.find({
    entity: 'workspace',
    workspace: null,
    at: workspaceRef.id,
  })
  return {
    created_at: entry.createdAt,
    group: presentEntry(group, requireParent(context, 'group')),
    rbac_role: role === undefined ? null : presentEntry(entityNamed('role'), role),
    workspace: workspace === undefined ? null : presentEntry(entityNamed('workspace'), workspace),
  }
}
