import { reaches } from '../../access/entitlements.ts'
import type { HeldRole } from '../../access/rights.ts'
import { entityNamed, type EntityName } from '../../entities/entities.ts'
import type { Operation } from '../../entities/operation.ts'
import { Problem } from '../../lib/problem.ts'
import type { Entry } from '../../entities/entry.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { WorkspaceRef } from '../../control/entity-paths.ts'
import {
  requireParent,
  type AdminRoute,
  type RequestContext,
  type Located,
  type PathContext,
} from '../admin-route.ts'
import {
  buildAsk,
  canonicalPath,
  entrySegment,
  permissionWorkspace,
} from '../../control/entity-paths.ts'
import { fillPath } from '../entities/collection-route.ts'
import { bodyFields, makeChange } from '../entities/make-change.ts'
import { presentEntry } from '../entities/present-entry.ts'

/** Kong's `/rbac/users/{user}/roles`; roles are named in a comma-separated list. */
export const userRoles = (path: string): AdminRoute => ({
  path,
  statuses: { POST: 201 },
  locate: (context) => locateUnder('principal', path, context),
  methods: {
    GET: async (context) => rolesAnswer(context),
    async POST(context) {
      const user = requireParent(context, 'principal')
      const held = grantsIn(context).map(({ fields }) => fields.role.id)
      const operations = requestedRoles(context)
        .filter((role) => !held.includes(role.id))
        .map((role): Operation => ({
          kind: 'create',
          entity: 'grant',
          workspace: null,
          body: { principal: { id: user.id }, role: { id: role.id } },
        }))
      await makeChange(context, operations, 201)
      return rolesAnswer(context)
    },
    async DELETE(context) {
      const roles = requestedRoles(context).map(({ id }) => id)
      const operations = grantsIn(context)
        .filter((grant) => roles.includes(grant.fields.role.id))
        .map(({ id }): Operation => ({ kind: 'delete', entity: 'grant', workspace: null, at: id }))
      await makeChange(context, operations, 204)
      return undefined
    },
  },
})

/** The combined permissions of all roles of a principal, limited to the workspace of the path unless that is the default one. */
export const userPermissionsRoute: AdminRoute = {
  path: '/rbac/users/:parent/permissions',
  locate: (context) => locateUnder('principal', '/rbac/users/:parent/permissions', context),
  methods: {
    GET: async ({ configuration, parent, workspaceRef }) =>
      permissionsOf(
        configuration
          .rolesOf(requireParent({ parent }, 'principal').id)
          .flatMap((held) => permissionsIn(held, workspaceRef)),
      ),
  },
}

export const rolePermissionsRoute: AdminRoute = {
  path: '/rbac/roles/:parent/permissions',
  locate: (context) => locateUnder('role', '/rbac/roles/:parent/permissions', context),
  methods: {
    async GET({ configuration, parent, workspaceRef }) {
      const within = { field: 'role', id: requireParent({ parent }, 'role').id }
      const read = (entity: EntityName): Record<string, unknown>[] =>
        configuration
          .list({ entity, workspace: workspaceRef.id, within })
          .map(({ fields }) => ({ ...fields }))
      return permissionsOf([
        { endpoints: read('endpoint-permission'), entities: read('entity-permission') },
      ])
    },
  },
}

/** The permissions of a role that apply in a workspace; the default workspace shows all of them. */
function permissionsIn(held: HeldRole, workspaceRef: WorkspaceRef): Permissions[] {
  if (workspaceRef.id === defaultWorkspace.id || held.workspace.id === workspaceRef.id)
    return [held]
  if (held.workspace.id !== defaultWorkspace.id) return []
  const isHere = (workspace: string): boolean =>
    ['*', workspaceRef.name, workspaceRef.id].includes(workspace)
  const endpoints = held.endpoints.filter(({ workspace }) => isHere(workspace))
  const entities = held.entities.filter(({ entity_id: id }) => id === '*' || id === workspaceRef.id)
  return [{ endpoints, entities }]
}

export function locateUnder(entity: EntityName, path: string, context: PathContext): Located {
  const { configuration, workspaceRef, params, action } = context
  const at = params['parent'] ?? ''
  const found = configuration.find({ entity, workspace: workspaceRef.id, at })
  const parent = found !== undefined && isKnown(context, entity, found) ? found : undefined
  const segment = parent === undefined ? at : entrySegment(entity, parent)
  const ask = {
    workspace: workspaceRef,
    path: fillPath(path, { ...params, parent: segment }),
    action,
  }
  const scope = permissionWorkspace(entity, workspaceRef)
  const alias = buildAsk(entity, parent, scope, canonicalPath(entity, segment), 'read')
  const isLost = parent === undefined || workspaceRef.id === ''
  // Users and groups belong to no workspace, so a missing permission to read them denies nothing here.
  const aliases = scope === workspaceRef ? [alias] : []
  return { check: { ask, aliases }, parent, isLost }
}

/** Users and groups exist for a workspace when a role of theirs reaches it, and for those who may read all of them. */
export function isKnown(
  {
    configuration,
    principal,
    workspaceRef,
  }: Pick<PathContext, 'configuration' | 'principal' | 'workspaceRef'>,
  entity: EntityName,
  entry: Entry,
): boolean {
  const isReadable = configuration.readerFor(principal).mayRead(entity, entry)
  if (entityNamed(entity).inWorkspace || isReadable || entry.id === principal) return true
  const rights = configuration.rightsOf(entry.id)
  if (rights !== undefined) return reaches(rights, workspaceRef)
  const within = { field: 'group', id: entry.id }
  return configuration
    .list({ entity: 'group-role', workspace: null, within })
    .some(({ fields }) => {
      const at = fields.role.id
      return configuration.find({ entity: 'role', workspace: workspaceRef.id, at }) !== undefined
    })
}

function rolesAnswer(context: RequestContext): unknown {
  const { configuration, workspaceRef } = context
  const user = requireParent(context, 'principal')
  const held = grantsIn(context).map(({ fields }) => fields.role.id)
  const reader = configuration.readerFor(context.principal)
  const roles = configuration
    .list({ entity: 'role', workspace: workspaceRef.id })
    .filter((role) => held.includes(role.id) && reader.mayRead('role', role))
  return {
    roles: roles.map((role) => presentEntry(entityNamed('role'), role)),
    user: presentUser(context, user),
  }
}

/** Principals belong to no workspace, so fields beyond id and name require permission to read principals. */
function presentUser(
  { configuration, principal }: RequestContext,
  user: Entry<'principal'>,
): unknown {
  const path = canonicalPath('principal', entrySegment('principal', user))
  const ask = buildAsk('principal', user, defaultWorkspace, path, 'read')
  return configuration.decide(principal, { ask }).allowed
    ? presentEntry(entityNamed('principal'), user)
    : { id: user.id, name: user.fields.name }
}

const grantsIn = ({ configuration, parent }: RequestContext): Entry<'grant'>[] =>
  configuration.list({
    entity: 'grant',
    workspace: null,
    within: { field: 'principal', id: requireParent({ parent }, 'principal').id },
  })

function requestedRoles(context: RequestContext): Entry<'role'>[] {
  const { workspaceRef } = context
  const { roles } = bodyFields(context)
  const words = Array.isArray(roles) ? (roles as unknown[]) : [roles]
  const names = words.flatMap((word) => (typeof word === 'string' ? word.split(',') : []))
  if (names.length === 0) {
    throw new Problem('admin.roles', 400, 'schema violation (roles: required field missing)', {
      detail: { code: 2, name: 'schema violation', fields: { roles: 'required field missing' } },
    })
  }
  return names.map((name) => {
    const role = findRole(context, name.trim())
    if (role !== undefined) return role
    const sentence = `no role '${name.trim()}' in workspace '${workspaceRef.name}'`
    throw new Problem('admin.role', 400, sentence, { detail: { fields: { roles: sentence } } })
  })
}

/** A role of the workspace; one that the principal may not read is reported as missing. */
export function findRole(
  { configuration, principal, workspaceRef }: RequestContext,
  at: string,
): Entry<'role'> | undefined {
  const found = configuration.find({ entity: 'role', workspace: workspaceRef.id, at })
  return found !== undefined && configuration.readerFor(principal).mayRead('role', found)
    ? found
    : undefined
}

type Permissions = {
  readonly endpoints: readonly Readonly<Record<string, unknown>>[]
  readonly entities: readonly Readonly<Record<string, unknown>>[]
}

function permissionsOf(roles: readonly (Permissions | HeldRole)[]): unknown {
  const endpoints: Record<string, Record<string, unknown>> = {}
  const entities: Record<string, unknown> = {}
  for (const role of roles) {
    for (const { workspace, endpoint, actions, negative } of role.endpoints) {
      const byEndpoint = (endpoints[String(workspace)] ??= {})
      byEndpoint[String(endpoint)] = { actions, negative }
    }
    for (const { entity_id: id, actions, negative } of role.entities) {
      entities[String(id)] = { actions, negative }
    }
  }
  return { endpoints, entities }
}
