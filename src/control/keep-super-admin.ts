import { defaultWorkspace } from '../entities/default-workspace.ts'
import { entriesOf, type Entries, type Entry } from '../entities/entry.ts'
import { Problem } from '../lib/problem.ts'
import type { Touched } from './draft.ts'
import { findEntry } from './find-entry.ts'
import { systemPrincipal, type Requester } from './permit.ts'
import { heldRoles } from './state/state.ts'

export type AccessChange = {
  readonly before: Entries
  readonly after: Entries
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
 * Refuses a change after which nobody could manage roles: one that takes permissions from the role super-admin, the last
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
    const canEnter = (entries: Entries) => (id: string) => hasCredential(entries, id, now)
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
export const superAdminRole = (entries: Entries): Entry<'role'> | undefined =>
  findEntry(entries, { entity: 'role', workspace: defaultWorkspace.id, at: 'super-admin' })

/** Whether a super-admin can authenticate, and the role has its permissions. */
export function hasSuperAdmin(entries: Entries, now: number): boolean {
  const role = superAdminRole(entries)
  return (
    role !== undefined &&
    fullPermissionOf(entries, role.id) !== undefined &&
    superAdmins(entries).some((id) => hasCredential(entries, id, now))
  )
}

/** The ids of the enabled principals that have the role super-admin, directly or by a group. */
export function superAdmins(entries: Entries): readonly string[] {
  const role = superAdminRole(entries)?.id
  const direct = [...entriesOf(entries, 'grant').values()]
    .filter(({ fields }) => fields.role.id === role)
    .map(({ fields }) => fields.principal.id)
  const groups = new Set(
    [...entriesOf(entries, 'group-role').values()]
      .filter(({ fields }) => fields.role.id === role)
      .map(({ fields }) => entriesOf(entries, 'group').get(fields.group.id)?.fields.name),
  )
  const principals = entriesOf(entries, 'principal')
  const byGroup =
    groups.size === 0
      ? []
      : [...principals.values()]
          .filter(({ fields }) => fields.groups.some((name) => groups.has(name)))
          .map(({ id }) => id)
  return [...new Set([...direct, ...byGroup])].filter(
    (id) => principals.get(id)?.fields.enabled === true,
  )
}

/** The permission of a role for every action on every path. */
export const fullPermissionOf = (
  entries: Entries,
  role: string,
): Entry<'endpoint-permission'> | undefined =>
  [...entriesOf(entries, 'endpoint-permission').values()].find(
    ({ fields }) =>
      fields.role.id === role &&
      fields.workspace === '*' &&
      fields.endpoint === '*' &&
      fields.actions.length === 4 &&
      !fields.negative,
  )

/** The negative permissions of a role. */
export const denialsOf = (
  entries: Entries,
  role: string,
): readonly Entry<'endpoint-permission' | 'entity-permission'>[] =>
  [
    ...entriesOf(entries, 'endpoint-permission').values(),
    ...entriesOf(entries, 'entity-permission').values(),
  ].filter(({ fields }) => fields.role.id === role && fields.negative)

function keepRole(role: Entry<'role'>, before: Entries, after: Entries): void {
  const had = fullPermissionOf(before, role.id) !== undefined
  const known = new Set(denialsOf(before, role.id).map(({ id }) => id))
  const isKept =
    superAdminRole(after)?.id === role.id &&
    (!had || fullPermissionOf(after, role.id) !== undefined) &&
    denialsOf(after, role.id).every(({ id }) => known.has(id))
  if (isKept) return
  throw new Problem(
    'control.super_admin_role',
    403,
    'The role super-admin of the default workspace cannot be deleted, renamed or restricted',
    {
      detail: {
        because:
          'It keeps its permission for every action on every path. A document of the roles of the default workspace has to contain it.',
      },
    },
  )
}

/** Those without a negative permission in any role; one would win over the permission of super-admin. */
function unrestrictedSuperAdmins(entries: Entries): readonly string[] {
  return superAdmins(entries).filter((id) =>
    heldRoles(entries, id).every(({ endpoints, entities }) =>
      [...endpoints, ...entities].every(({ negative }) => !negative),
    ),
  )
}

function hasCredential(entries: Entries, principal: string, now: number): boolean {
  const found = entriesOf(entries, 'principal').get(principal)
  if (found === undefined) return false
  const { password } = found.fields
  if (password !== null && password !== undefined) return true
  return [...entriesOf(entries, 'token').values()].some(
    ({ fields: { principal: owner, expires_at: end } }) =>
      owner.id === principal && (end === null || end > now),
  )
}
