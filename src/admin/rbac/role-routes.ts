import type { HeldRole } from '../../access/rights.ts'
import { entityNamed, type EntityName } from '../../entities/entities.ts'
import type { Operation } from '../../entities/operation.ts'
import { Problem } from '../../lib/problem.ts'
import type { Entry } from '../../entities/entry.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import {
  parentOf,
  type AdminRoute,
  type Asked,
  type Located,
  type Locating,
  type Place,
} from '../admin-route.ts'
import { askAbout, ownPath, segmentOf } from '../entities/entity-paths.ts'
import { filled } from '../entities/collection-route.ts'
import { bodyIn, makeChange } from '../entities/make-change.ts'
import { presentEntry } from '../entities/present-entry.ts'

/** The roles of a principal in a workspace, in Kong's form: named in a list with commas, given and taken. */
export const userRoles = (path: string): AdminRoute => ({
  path,
  locate: (locating) => locateUnder('principal', path, locating),
  methods: {
    GET: async (asked) => rolesAnswer(asked),
    async POST(asked) {
      const user = parentOf(asked, 'principal')
      const held = grantsIn(asked).map(({ fields }) => fields.role.id)
      const operations = rolesNamed(asked)
        .filter((role) => !held.includes(role.id))
        .map((role): Operation => ({
          kind: 'create',
          entity: 'grant',
          workspace: null,
          body: { principal: { id: user.id }, role: { id: role.id } },
        }))
      await makeChange(asked, operations, 201)
      void asked.reply.code(201)
      return rolesAnswer(asked)
    },
    async DELETE(asked) {
      const roles = rolesNamed(asked).map(({ id }) => id)
      const operations = grantsIn(asked)
        .filter((grant) => roles.includes(grant.fields.role.id))
        .map(({ id }): Operation => ({ kind: 'delete', entity: 'grant', workspace: null, at: id }))
      await makeChange(asked, operations, 204)
      void asked.reply.code(204)
      return undefined
    },
  },
})

/** What all roles of a principal say together; in a workspace other than the default one, what they say there. */
export const userPermissionsRoute: AdminRoute = {
  path: '/rbac/users/:parent/permissions',
  locate: (locating) => locateUnder('principal', '/rbac/users/:parent/permissions', locating),
  methods: {
    GET: async ({ configuration, parent, place }) =>
      permissionsOf(
        configuration
          .rolesOf(parentOf({ parent }, 'principal').id)
          .flatMap((held) => saidIn(held, place)),
      ),
  },
}

/** What a role says. */
export const rolePermissionsRoute: AdminRoute = {
  path: '/rbac/roles/:parent/permissions',
  locate: (locating) => locateUnder('role', '/rbac/roles/:parent/permissions', locating),
  methods: {
    async GET({ configuration, parent, place }) {
      const within = { field: 'role', id: parentOf({ parent }, 'role').id }
      const read = (entity: EntityName): Record<string, unknown>[] =>
        configuration
          .list({ entity, workspace: place.id, within })
          .map(({ fields }) => ({ ...fields }))
      return permissionsOf([
        { endpoints: read('endpoint-permission'), entities: read('entity-permission') },
      ])
    },
  },
}

/** What a role says about a workspace; the default workspace is told everything. */
function saidIn(held: HeldRole, place: Place): Said[] {
  if (place.id === defaultWorkspace.id || held.workspace.id === place.id) return [held]
  if (held.workspace.id !== defaultWorkspace.id) return []
  const isHere = (workspace: string): boolean => ['*', place.name, place.id].includes(workspace)
  const endpoints = held.endpoints.filter(({ workspace }) => isHere(workspace))
  const entities = held.entities.filter(({ entity_id: id }) => id === '*' || id === place.id)
  return [{ endpoints, entities }]
}

/** The entity above a path of this file, and the ask in the workspace of the path. */
export function locateUnder(entity: EntityName, path: string, locating: Locating): Located {
  const { configuration, place, params, action } = locating
  const at = params['parent'] ?? ''
  const parent = configuration.find({ entity, workspace: place.id, at })
  const segment = parent === undefined ? at : segmentOf(entity, parent)
  const ask = { workspace: place, path: filled(path, { ...params, parent: segment }), action }
  return { check: { ask }, parent, isLost: parent === undefined || place.id === '' }
}

function rolesAnswer(asked: Asked): unknown {
  const { configuration, place } = asked
  const user = parentOf(asked, 'principal')
  const held = grantsIn(asked).map(({ fields }) => fields.role.id)
  const roles = configuration
    .list({ entity: 'role', workspace: place.id })
    .filter(({ id }) => held.includes(id))
  return {
    roles: roles.map((role) => presentEntry(entityNamed('role'), role)),
    user: presentUser(asked, user),
  }
}

/** A principal belongs to no workspace: more than the name is for those who may read principals. */
function presentUser({ configuration, principal }: Asked, user: Entry<'principal'>): unknown {
  const path = ownPath('principal', segmentOf('principal', user))
  const ask = askAbout('principal', user, defaultWorkspace, path, 'read')
  return configuration.decide(principal, { ask }).allowed
    ? presentEntry(entityNamed('principal'), user)
    : { id: user.id, name: user.fields.name }
}

const grantsIn = ({ configuration, parent }: Asked): Entry<'grant'>[] =>
  configuration.list({
    entity: 'grant',
    workspace: null,
    within: { field: 'principal', id: parentOf({ parent }, 'principal').id },
  })

function rolesNamed(asked: Asked): Entry<'role'>[] {
  const { configuration, place } = asked
  const { roles } = bodyIn(asked)
  const words = Array.isArray(roles) ? (roles as unknown[]) : [roles]
  const names = words.flatMap((word) => (typeof word === 'string' ? word.split(',') : []))
  if (names.length === 0) {
    throw new Problem('admin.roles', 400, 'schema violation (roles: required field missing)', {
      detail: { code: 2, name: 'schema violation', fields: { roles: 'required field missing' } },
    })
  }
  return names.map((name) => {
    const role = configuration.find({ entity: 'role', workspace: place.id, at: name.trim() })
    if (role !== undefined) return role
    const sentence = `no role '${name.trim()}' in workspace '${place.name}'`
    throw new Problem('admin.role', 400, sentence, { detail: { fields: { roles: sentence } } })
  })
}

type Said = {
  readonly endpoints: readonly Readonly<Record<string, unknown>>[]
  readonly entities: readonly Readonly<Record<string, unknown>>[]
}

function permissionsOf(roles: readonly (Said | HeldRole)[]): unknown {
  const endpoints: Record<string, Record<string, unknown>> = {}
  const entities: Record<string, unknown> = {}
  for (const role of roles) {
    for (const { workspace, endpoint, actions, negative } of role.endpoints) {
      const place = (endpoints[String(workspace)] ??= {})
      place[String(endpoint)] = { actions, negative }
    }
    for (const { entity_id: id, actions, negative } of role.entities) {
      entities[String(id)] = { actions, negative }
    }
  }
  return { endpoints, entities }
}
