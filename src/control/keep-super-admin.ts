import { defaultWorkspace } from '../entities/default-workspace.ts'
import { entriesOf, type Entry, type Touched } from '../entities/entry.ts'
import { Problem } from '../lib/problem.ts'
import { allOf, referrersOf, type ConfigurationView } from './configuration-view.ts'
import { findEntry } from './find-entry.ts'
import { systemPrincipal, type Requester } from './permit.ts'
import { heldRoles, permissionsOf } from './state/state.ts'

export type AccessChange = {
  readonly before: ConfigurationView
  readonly after: ConfigurationView
  readonly touched: readonly Touched[]
  readonly requester: Requester
  /** Seconds since the epoch. */
  readonly now: number
}

/** The entities that determine who is a super-admin. */
const determining: ReadonlySet<string> = new Set([
  'role',
  'endpoint-permission',
  'entity-permission',
  'principal',
  'token',
  'grant',
  'group',
  'group-role',
])

/**
 * Rejects a change after which no principal could manage roles: one that takes permissions from the role super-admin, the last
 * super-admin, or the requester's own access. It compares the whole configuration before and after, so that it covers every
 * way of change: cascades, groups, documents and rollbacks.
 */
export function keepSuperAdmin(change: AccessChange): void {
  const { before, after, touched, requester, now } = change
  if (!touched.some(({ entity }) => determining.has(entity))) return
  const role = superAdminRole(before)
  if (role === undefined) return
  keepRole(role, before, after)
  for (const areSuperAdmins of [superAdmins, unrestrictedSuperAdmins]) {
    const [had, has] = [areSuperAdmins(before), areSuperAdmins(after)]
    if (requester !== systemPrincipal && had.includes(requester) && !has.includes(requester)) {
      throw new Problem(
        'control.own_super_admin',
        403,
        'You cannot take the role super-admin from yourself, nor restrict it',
        { detail: { because: 'Only another super-admin can do this.' } },
      )
    }
    const canEnter = (view: ConfigurationView) => (id: string) => hasCredential(view, id, now)
    if (had.some(canEnter(before)) && !has.some(canEnter(after))) {
      throw new Problem(
        'control.last_super_admin',
        409,
        'The last super-admin cannot be removed, disabled or restricted',
        { detail: { because: 'Without a super-admin nobody can manage roles and users.' } },
      )
    }
  }
}

/** The role super-admin of the default workspace. */
export const superAdminRole = (view: ConfigurationView): Entry<'role'> | undefined =>
  findEntry(view, { entity: 'role', workspace: defaultWorkspace.id, at: 'super-admin' })

/** Whether a super-admin can authenticate, and the role has its permissions. */
export function hasSuperAdmin(view: ConfigurationView, now: number): boolean {
  const role = superAdminRole(view)
  return (
    role !== undefined &&
    fullPermissionOf(view, role) !== undefined &&
    superAdmins(view).some((id) => hasCredential(view, id, now))
  )
}

/** The ids of the enabled principals that have the role super-admin, directly or by a group. */
export function superAdmins(view: ConfigurationView): readonly string[] {
  const role = superAdminRole(view)
  if (role === undefined) return []
  const principals = entriesOf(view.entries, 'principal')
  const groupsById = entriesOf(view.entries, 'group')
  const direct = [...referrersOf(view, 'grant', 'role', role)].map(
    ({ fields }) => fields.principal.id,
  )
  const groups = new Set(
    [...referrersOf(view, 'group-role', 'role', role)].map(
      ({ fields }) => groupsById.get(fields.group.id)?.fields.name,
    ),
  )
  const byGroup =
    groups.size === 0
      ? []
      : allOf(view.entries, 'principal')
          .filter(({ fields }) => fields.groups.some((name) => groups.has(name)))
          .map(({ id }) => id)
  return [...new Set([...direct, ...byGroup])].filter(
    (id) => principals.get(id)?.fields.enabled === true,
  )
}

type Role = Pick<Entry<'role'>, 'id' | 'workspace'>

/** The permission of a role for every action on every path. */
export const fullPermissionOf = (
  view: ConfigurationView,
  role: Role,
): Entry<'endpoint-permission'> | undefined =>
  permissionsOf(view, 'endpoint-permission', role).find(
    ({ fields }) =>
      fields.workspace === '*' &&
      fields.endpoint === '*' &&
      fields.actions.length === 4 &&
      !fields.negative,
  )

/** The negative permissions of a role. */
export const denialsOf = (
  view: ConfigurationView,
  role: Role,
): readonly Entry<'endpoint-permission' | 'entity-permission'>[] =>
  [
    ...permissionsOf(view, 'endpoint-permission', role),
    ...permissionsOf(view, 'entity-permission', role),
  ].filter(({ fields }) => fields.negative)

function keepRole(role: Entry<'role'>, before: ConfigurationView, after: ConfigurationView): void {
  const had = fullPermissionOf(before, role) !== undefined
  const known = new Set(denialsOf(before, role).map(({ id }) => id))
  const isKept =
    superAdminRole(after)?.id === role.id &&
    (!had || fullPermissionOf(after, role) !== undefined) &&
    denialsOf(after, role).every(({ id }) => known.has(id))
  if (isKept) return
  throw new Problem(
    'control.super_admin_role',
    403,
    'The role super-admin of the default workspace cannot be deleted, renamed or restricted',
    {
      detail: {
        because:
          'It keeps its permission for every action on every path. A document with the roles of the default workspace must contain it.',
      },
    },
  )
}

/** Those without a negative permission in any role; one would win over the permission of super-admin. */
function unrestrictedSuperAdmins(view: ConfigurationView): readonly string[] {
  return superAdmins(view).filter((id) =>
    heldRoles(view, id).every(({ endpoints, entities }) =>
      [...endpoints, ...entities].every(({ negative }) => !negative),
    ),
  )
}

function hasCredential(view: ConfigurationView, principal: string, now: number): boolean {
  const found = entriesOf(view.entries, 'principal').get(principal)
  if (found === undefined) return false
  const { password } = found.fields
  if (password !== null && password !== undefined) return true
  return [...referrersOf(view, 'token', 'principal', found)].some(
    ({ fields: { expires_at: end } }) => end === null || end > now,
  )
}
