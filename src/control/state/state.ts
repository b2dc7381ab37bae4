import { buildRights, type Names } from '../../access/build-rights.ts'
import type { HeldRole, Named, NamedEntities, Principal, Rights } from '../../access/rights.ts'
import { entities } from '../../entities/entities.ts'
import { entriesOf, type Entries, type Entry, type Stored } from '../../entities/entry.ts'
import { memoizeByKey } from '../../lib/memoize-by-key.ts'
import type { Seal, Snapshot } from '../../schema/snapshot.ts'
import { allOf, entriesWith, referrersOf, type ConfigurationView } from '../configuration-view.ts'
import type { EntryIndexes } from '../entry-indexes.ts'

/** An immutable revision of the configuration in memory. */
export type State = {
  readonly revision: number
  readonly entries: Entries
  readonly indexes: EntryIndexes
  readonly snapshot: Snapshot
  readonly seal: Seal
  /** The rights of an enabled principal. */
  rightsOf(principal: string): Rights | undefined
  /** The rights that roles give to a principal, or to somebody who is none yet. */
  rightsWith(principal: Principal, held: readonly HeldRole[]): Rights
  /** The token with this SHA-256; its expiry is not checked. */
  tokenOf(sha256: string): Entry<'token'> | undefined
}

/** Builds the state of a revision. Rights are computed on first use and cached. */
export function buildState(indexes: EntryIndexes, snapshot: Snapshot, seal: Seal): State {
  const { entries } = indexes
  const { revision } = seal
  const rights = new Map<string, Rights | undefined>()
  const named = namedIn(indexes)
  return {
    revision,
    entries,
    indexes,
    snapshot,
    seal,
    rightsOf(principal) {
      if (!rights.has(principal)) {
        const entry = entriesOf(entries, 'principal').get(principal)
        const isEnabled = entry?.fields.enabled === true
        const names = { workspaces: workspacesIn(snapshot), named }
        rights.set(principal, isEnabled ? rightsOf(indexes, entry, revision, names) : undefined)
      }
      return rights.get(principal)
    },
    rightsWith: (principal, held) =>
      buildRights({ principal, held, revision }, { workspaces: workspacesIn(snapshot), named }),
    tokenOf(sha256) {
      const [found] = entriesWith(indexes, 'token', 'token', sha256)
      return found
    },
  }
}

function rightsOf(
  view: ConfigurationView,
  { id, fields }: Entry<'principal'>,
  revision: number,
  names: Names,
): Rights {
  const principal = { id, name: fields.name, kind: fields.kind }
  return buildRights({ principal, held: heldRoles(view, id), revision }, names)
}

const workspacesIn = ({ workspaces }: Snapshot): Names['workspaces'] => listWorkspaces(workspaces)

const listWorkspaces = memoizeByKey((workspaces: Snapshot['workspaces']) => [
  ...workspaces.values(),
])

/** Services, routes and consumers by name; the list of services and routes is built on first use, once per revision. */
function namedIn(view: ConfigurationView): NamedEntities {
  let listed: readonly Named[] | undefined
  return {
    withName(kind, name) {
      if (kind === 'services')
        return [...entriesWith(view, 'service', 'name', name)].map(namedService)
      if (kind === 'routes') return [...entriesWith(view, 'route', 'name', name)].map(namedRoute)
      if (kind === 'consumers')
        return [...entriesWith(view, 'consumer', 'username', name)].map(namedConsumer)
      return []
    },
    all: () =>
      (listed ??= [
        ...allOf(view.entries, 'service').map(namedService),
        ...allOf(view.entries, 'route').map(namedRoute),
      ]),
    isOfAnotherKind(kind, id) {
      const holders = entities.filter(({ name }) => entriesOf(view.entries, name).has(id))
      return holders.length > 0 && holders.every(({ plural }) => plural !== kind)
    },
  }
}

const namedService = memoizeByKey(({ id, workspace, fields }: Entry<'service'>): Named => {
  return { kind: 'services', workspace: workspace ?? '', id, name: fields.name, service: undefined }
})

const namedConsumer = memoizeByKey(({ id, workspace, fields }: Entry<'consumer'>): Named => {
  const { username: name } = fields
  return { kind: 'consumers', workspace: workspace ?? '', id, name, service: undefined }
})

const namedRoute = memoizeByKey(({ id, workspace, fields }: Entry<'route'>): Named => {
  const { name, service } = fields
  return { kind: 'routes', workspace: workspace ?? '', id, name, service: service?.id }
})

/** The roles of a principal with their permissions, granted directly or through groups. */
export function heldRoles(view: ConfigurationView, principal: string): HeldRole[] {
  const granted = grantedRoles(view, principal)
  const groups = entriesOf(view.entries, 'principal').get(principal)?.fields.groups ?? []
  return [...granted, ...rolesOfGroups(view, groups)]
}

/** The roles that are granted to a principal directly. */
export const grantedRoles = (view: ConfigurationView, principal: string): HeldRole[] =>
  grantsOf(view, principal).flatMap(({ fields }) => heldRole(view, fields.role.id))

/** The grants of a principal. */
export const grantsOf = (view: ConfigurationView, principal: string): Entry<'grant'>[] => [
  ...referrersOf(view, 'grant', 'principal', { id: principal, workspace: null }),
]

/** The roles that groups give to their members. */
export function rolesOfGroups(view: ConfigurationView, names: readonly string[]): HeldRole[] {
  return [...new Set(names)].flatMap((name) =>
    [...entriesWith(view, 'group', 'name', name)].flatMap((group) =>
      [...referrersOf(view, 'group-role', 'group', group)].flatMap(({ fields }) =>
        heldRole(view, fields.role.id).map((held) => ({ ...held, group: name })),
      ),
    ),
  )
}

function heldRole(view: ConfigurationView, id: string): HeldRole[] {
  const role = entriesOf(view.entries, 'role').get(id)
  const workspace = entriesOf(view.entries, 'workspace').get(role?.workspace ?? '')
  if (role === undefined || workspace === undefined) return []
  return [
    {
      role: { id: role.id, name: role.fields.name },
      workspace: { id: workspace.id, name: workspace.fields.name },
      endpoints: permissionsOf(view, 'endpoint-permission', role).map((entry) => stored(entry)),
      entities: permissionsOf(view, 'entity-permission', role).map((entry) => stored(entry)),
    },
  ]
}

type Permission = 'endpoint-permission' | 'entity-permission'

/** The permissions of a role. */
export const permissionsOf = <K extends Permission>(
  view: ConfigurationView,
  kind: K,
  role: Pick<Entry, 'id' | 'workspace'>,
): Entry<K>[] => [...referrersOf(view, kind, 'role', role)]

const stored = <K extends Permission>({ id, createdAt, updatedAt, fields }: Entry<K>): Stored<K> =>
  ({ ...fields, id, created_at: createdAt, updated_at: updatedAt }) as Stored<K>
