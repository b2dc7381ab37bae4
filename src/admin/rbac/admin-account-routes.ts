import type { Body } from '../../entities/hooks.ts'
import type { Operation } from '../../entities/operation.ts'
import type { Entry } from '../../entities/entry.ts'
import {
  entryOf,
  type AdminRoute,
  type Asked,
  type Located,
  type Locating,
} from '../admin-route.ts'
import { aliasRoute } from './alias-route.ts'
import { askAbout, homeOf, segmentOf } from '../entities/entity-paths.ts'
import { filled } from '../entities/collection-route.ts'
import { bodyIn, makeChange, writtenEntry } from '../entities/make-change.ts'
import { mayReadEntry } from '../entities/may-read-entry.ts'
import { buildPage, pageRequest } from '../entities/page.ts'
import { userRoles } from './role-routes.ts'

const own = ['/admins', '/rbac/users'] as const

/** Kong's admins: the principals who are people, by the names that Kong gives their fields. */
export const adminAccountRoutes = (): AdminRoute[] =>
  accounts().map((route) => aliasRoute(route, own))

function accounts(): readonly AdminRoute[] {
  return [
    {
      path: '/admins',
      isFiltered: true,
      locate: (locating) => locateAdmin('/admins', locating),
      methods: {
        GET: async (asked) => readPage(asked),
        async POST(asked) {
          const operation = { kind: 'create', body: fieldsIn(bodyIn(asked)) } as const
          const change = await makeChange(asked, [{ ...operation, ...user }], 201)
          void asked.reply.code(201)
          return { admin: present(asked, writtenEntry(change, 'principal')) }
        },
      },
    },
    {
      path: '/admins/:item',
      locate: (locating) => locateAdmin('/admins/:item', locating),
      methods: {
        GET: async (asked) => present(asked, entryOf(asked, 'principal')),
        async PATCH(asked) {
          const body = fieldsIn(bodyIn(asked))
          const operation: Operation = {
            kind: 'update',
            ...user,
            at: entryOf(asked, 'principal').id,
            body,
          }
          const change = await makeChange(asked, [operation], 200)
          return present(asked, writtenEntry(change, 'principal'))
        },
        async DELETE(asked) {
          await makeChange(
            asked,
            [{ kind: 'delete', ...user, at: entryOf(asked, 'principal').id }],
            204,
          )
          void asked.reply.code(204)
          return undefined
        },
      },
    },
    userRoles('/admins/:parent/roles'),
    {
      path: '/admins/:item/workspaces',
      locate: (locating) => locateAdmin('/admins/:item/workspaces', locating),
      methods: { GET: async (asked) => workspacesOf(asked) },
    },
  ]
}

const user = { entity: 'principal', workspace: null } as const

function locateAdmin(path: string, locating: Locating): Located {
  const { configuration, place, params, action } = locating
  const at = params['item']
  const known =
    at === undefined ? undefined : configuration.find({ ...user, at, within: undefined })
  const entry = known?.fields.kind === 'user' ? known : undefined
  const item = entry === undefined ? (at ?? '') : segmentOf('principal', entry)
  const home = homeOf('principal', place)
  const ask = askAbout('principal', entry, home, filled(path, { item }), action)
  return { check: { ask }, entry, isLost: place.id === '' }
}

function readPage(asked: Asked): unknown {
  const { configuration, refusal, request } = asked
  const readable = configuration
    .list(user)
    .filter(({ fields }) => fields.kind === 'user')
    .filter((entry) => mayReadEntry(asked, 'principal', entry))
  if (refusal !== undefined && readable.length === 0) throw refusal
  return buildPage(readable, pageRequest(request, false), (entry) => present(asked, entry))
}

/** The workspaces in which roles were given to an admin; those that the principal may not read are left out. */
function workspacesOf(asked: Asked): unknown {
  const { configuration } = asked
  const ids = new Set(
    configuration.rolesOf(entryOf(asked, 'principal').id).map(({ workspace }) => workspace.id),
  )
  return configuration
    .list({ entity: 'workspace', workspace: null })
    .filter(({ id }) => ids.has(id))
    .filter((entry) => mayReadEntry({ ...asked, check: bare }, 'workspace', entry))
    .map(({ id, fields }) => ({ id, name: fields.name, comment: fields.comment }))
}

/** A list that no rule is written about. */
const bare = {
  ask: { workspace: { id: '', name: '' }, path: '/workspaces', action: 'read' },
} as const

/** Kong's names for the fields of a principal; others are refused as unknown. */
function fieldsIn({ username, rbac_token_enabled: _enabled, ...rest }: Body): Body {
  return username === undefined ? rest : { ...rest, name: username }
}

/** Kong's numbers: 0 approved, 3 revoked, 4 invited and not yet able to come in. */
function present(
  { configuration }: Asked,
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
