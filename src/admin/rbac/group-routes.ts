import { entityNamed } from '../../entities/entities.ts'
import { schemaViolation } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import type { Entry } from '../../entities/entry.ts'
import { parentOf, type AdminRoute, type Asked } from '../admin-route.ts'
import { aliasRoute } from './alias-route.ts'
import { collectionRoute } from '../entities/collection-route.ts'
import { itemRoute } from '../entities/item-route.ts'
import { bodyIn, makeChange, writtenEntry } from '../entities/make-change.ts'
import { presentEntry } from '../entities/present-entry.ts'
import { locateUnder } from './role-routes.ts'

const group = entityNamed('group')

/** Groups of the identity provider and the roles they give, in Kong's form; each path also as Kong writes it, without `/rbac`. */
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

/** The roles that a group gives in the workspace of the path. */
const rolesRoute = (path: string): AdminRoute => ({
  path,
  locate: (locating) => locateUnder('group', path, locating),
  methods: {
    GET: async (asked) => ({
      data: given(asked).map((entry) => present(asked, entry)),
      next: null,
    }),
    async POST(asked) {
      const role = roleNamed(asked)
      const operation: Operation = {
        kind: 'create',
        entity: 'group-role',
        workspace: null,
        body: { group: { id: parentOf(asked, 'group').id }, role: { id: role.id } },
      }
      const change = await makeChange(asked, [operation], 201)
      void asked.reply.code(201)
      return present(asked, writtenEntry(change, 'group-role'))
    },
    async DELETE(asked) {
      const role = roleNamed(asked)
      const operations = given(asked)
        .filter((entry) => entry.fields.role.id === role.id)
        .map(({ id }): Operation => ({
          kind: 'delete',
          entity: 'group-role',
          workspace: null,
          at: id,
        }))
      await makeChange(asked, operations, 204)
      void asked.reply.code(204)
      return undefined
    },
  },
})

/** The groups that the identity provider says a principal is in, as far as they are known here. */
const userGroupsRoute: AdminRoute = {
  path: '/rbac/users/:parent/groups',
  locate: (locating) => locateUnder('principal', '/rbac/users/:parent/groups', locating),
  methods: {
    async GET({ configuration, parent }) {
      const user = parentOf({ parent }, 'principal')
      const names = user.fields.groups
      const groups = configuration
        .list({ entity: 'group', workspace: null })
        .filter(({ fields }) => names.includes(fields.name))
      return {
        groups: groups.map((entry) => presentEntry(group, entry)),
        user: { id: user.id, name: user.fields.name },
      }
    },
  },
}

const rolesHere = ({ configuration, place }: Asked): Entry<'role'>[] =>
  configuration.list({ entity: 'role', workspace: place.id })

function given(asked: Asked): Entry<'group-role'>[] {
  const here = new Set(rolesHere(asked).map(({ id }) => id))
  const within = { field: 'group', id: parentOf(asked, 'group').id }
  return asked.configuration
    .list({ entity: 'group-role', workspace: null, within })
    .filter((entry) => here.has(entry.fields.role.id))
}

/** Kong names the role by its id; a name says the same. Roles of another workspace are given at its own path. */
function roleNamed(asked: Asked): Entry<'role'> {
  const { rbac_role_id: id, role: name = id, workspace_id: workspace } = bodyIn(asked)
  const { place, configuration } = asked
  if (typeof name !== 'string') throw schemaViolation({ rbac_role_id: 'required field missing' })
  const isHere = workspace === undefined || workspace === place.id || workspace === place.name
  const role = configuration.find({ entity: 'role', workspace: place.id, at: name })
  if (role !== undefined && isHere) return role
  throw schemaViolation({ rbac_role_id: `no role '${name}' in workspace '${place.name}'` })
}

function present(asked: Asked, entry: Entry<'group-role'>): unknown {
  const { configuration, place } = asked
  const role = rolesHere(asked).find(({ id }) => id === entry.fields.role.id)
  const workspace = configuration.find({ entity: 'workspace', workspace: null, at: place.id })
  return {
    created_at: entry.createdAt,
    group: presentEntry(group, parentOf(asked, 'group')),
    rbac_role: role === undefined ? null : presentEntry(entityNamed('role'), role),
    workspace: workspace === undefined ? null : presentEntry(entityNamed('workspace'), workspace),
  }
}
