import type { Body } from '../../entities/hooks.ts'
import type { Operation } from '../../entities/operation.ts'
import type { Entry } from '../../entities/entry.ts'
import {
  requireEntry,
  type AdminRoute,
  type RequestContext,
  type Located,
  type PathContext,
} from '../admin-route.ts'
import { aliasRoute } from './alias-route.ts'
import { buildAsk, permissionWorkspace, entrySegment } from '../../control/entity-paths.ts'
import { fillPath } from '../entities/collection-route.ts'
import { bodyFields, makeChange, writtenEntry } from '../entities/make-change.ts'
import { mayReadEntry } from '../entities/may-read-entry.ts'
import { buildPage, pageRequest } from '../entities/page.ts'
import { userRoles } from './role-routes.ts'

const own = ['/admins', '/rbac/users'] as const

/** Kong's `/admins`: principals who are people, with Kong's field names. */
export const adminAccountRoutes = (): AdminRoute[] =>
  accounts().map((route) => aliasRoute(route, own))

function accounts(): readonly AdminRoute[] {
  return [
    {
      path: '/admins',
      statuses: { POST: 201 },
      isFiltered: true,
      locate: (context) => locateAdmin('/admins', context),
      methods: {
        GET: async (context) => readPage(context),
        async POST(context) {
          const operation = { kind: 'create', body: fieldsIn(bodyFields(context)) } as const
          const change = await makeChange(context, [{ ...operation, ...user }], 201)
          return { admin: present(context, writtenEntry(change, 'principal')) }
        },
      },
    },
    {
      path: '/admins/:item',
      locate: (context) => locateAdmin('/admins/:item', context),
      methods: {
        GET: async (context) => present(context, requireEntry(context, 'principal')),
        async PATCH(context) {
          const body = fieldsIn(bodyFields(context))
          const operation: Operation = {
            kind: 'update',
            ...user,
            at: requireEntry(context, 'principal').id,
            body,
          }
          const change = await makeChange(context, [operation], 200)
          return present(context, writtenEntry(change, 'principal'))
        },
        async DELETE(context) {
          await makeChange(
            context,
            [{ kind: 'delete', ...user, at: requireEntry(context, 'principal').id }],
            204,
          )
          return undefined
        },
      },
    },
    userRoles('/admins/:parent/roles'),
    {
      path: '/admins/:item/workspaces',
      locate: (context) => locateAdmin('/admins/:item/workspaces', context),
      methods: { GET: async (context) => workspacesOf(context) },
    },
  ]
}

const user = { entity: 'principal', workspace: null } as const

function locateAdmin(path: string, context: PathContext): Located {
  const { configuration, workspaceRef, params, action } = context
  const at = params['item']
  const known =
    at === undefined ? undefined : configuration.find({ ...user, at, within: undefined })
  const entry = known?.fields.kind === 'user' ? known : undefined
  const item = entry === undefined ? (at ?? '') : entrySegment('principal', entry)
  const scope = permissionWorkspace('principal', workspaceRef)
  const ask = buildAsk('principal', entry, scope, fillPath(path, { item }), action)
  return { check: { ask }, entry, isLost: workspaceRef.id === '' }
}

function readPage(context: RequestContext): unknown {
  const { configuration, refusal, request } = context
  const readable = configuration
    .list(user)
    .filter(({ fields }) => fields.kind === 'user')
    .filter((entry) => mayReadEntry(context, 'principal', entry))
  if (refusal !== undefined && readable.length === 0) throw refusal
  return buildPage(readable, pageRequest(request, false), (entry) => present(context, entry))
}

/** The workspaces of the admin's roles, without those that the principal may not read. */
function workspacesOf(context: RequestContext): unknown {
  const { configuration } = context
  const ids = new Set(
    configuration
      .rolesOf(requireEntry(context, 'principal').id)
      .map(({ workspace }) => workspace.id),
  )
  return configuration
    .list({ entity: 'workspace', workspace: null })
    .filter(({ id }) => ids.has(id))
    .filter((entry) => mayReadEntry({ ...context, check: bare }, 'workspace', entry))
    .map(({ id, fields }) => ({ id, name: fields.name, comment: fields.comment }))
}

/** A list that no rule can name, so each workspace is decided by its own path alone. */
const bare = {
  ask: { workspace: { id: '', name: '' }, path: '/workspaces', action: 'read' },
} as const

/** Renames Kong's fields; the entity schema rejects unknown ones. */
function fieldsIn({ username, rbac_token_enabled: _enabled, ...rest }: Body): Body {
  return username === undefined ? rest : { ...rest, name: username }
}

/** Kong's status numbers: 0 approved, 3 revoked, 4 invited and not yet able to sign in. */
function present(
  { configuration }: RequestContext,
  { id, fields, createdAt, updatedAt }: Entry<'principal'>,
): unknown {
  const within = { field: 'principal', id }
  const hasToken = configuration.list({ entity: 'token', workspace: null, within }).length > 0
  const canEnter = hasToken || fields.password !== null
  return {
    id,
    username: fields.name,
    email: fields.email,
    custom_id: fields.custom_id,
    rbac_token_enabled: true,
    status: !fields.enabled ? 3 : canEnter ? 0 : 4,
    created_at: createdAt,
    updated_at: updatedAt,
  }
}
