import { buildRights } from '../../access/build-rights.ts'
import type { HeldRole, Rights } from '../../access/rights.ts'
import type { EntityName } from '../../entities/entities.ts'
import {
  entriesOf,
  referenceIn,
  type Entries,
  type Entry,
  type Stored,
} from '../../entities/entry.ts'
import type { SealedSnapshot, Snapshot } from '../../schema/snapshot.ts'
import type { EntryIndexes } from '../entry-indexes.ts'

/** An immutable revision of the configuration in memory. */
export type State = {
  readonly revision: number
  readonly entries: Entries
  readonly indexes: EntryIndexes
  readonly snapshot: Snapshot
  readonly sealed: SealedSnapshot
  /** The rights of an enabled principal. */
  rightsOf(principal: string): Rights | undefined
  /** The token with this SHA-256; its expiry is not checked. */
  tokenOf(sha256: string): Entry<'token'> | undefined
}

/** Builds the state of a revision. Rights are computed on first use and cached. */
export function buildState(
  entries: Entries,
  indexes: EntryIndexes,
  snapshot: Snapshot,
  sealed: SealedSnapshot,
): State {
  const { revision } = sealed
  const rights = new Map<string, Rights | undefined>()
  const tokens = new Map(all(entries, 'token').map((entry) => [entry.fields.token, entry]))
  return {
    revision,
    entries,
    indexes,
    snapshot,
    sealed,
    rightsOf(principal) {
      if (!rights.has(principal)) {
        const entry = entriesOf(entries, 'principal').get(principal)
        const isEnabled = entry?.fields.enabled === true
        rights.set(
          principal,
          isEnabled ? rightsOf(entries, entry, { revision, snapshot }) : undefined,
        )
      }
      return rights.get(principal)
    },
    tokenOf: (sha256) => tokens.get(sha256),
  }
}

function rightsOf(
  entries: Entries,
  { id, fields }: Entry<'principal'>,
  { revision, snapshot }: { revision: number; snapshot: Snapshot },
): Rights {
  const principal = { id, name: fields.name, kind: fields.kind }
  return buildRights({ principal, held: heldRoles(entries, id), revision }, snapshot)
}

/** The roles of a principal with their permissions, granted directly or through groups. */
export function heldRoles(entries: Entries, principal: string): HeldRole[] {
  const granted = all(entries, 'grant')
    .filter(({ fields }) => fields.principal.id === principal)
    .flatMap(({ fields }) => heldRole(entries, fields.role.id))
  return [...granted, ...rolesOfGroups(entries, principal)]
}

function rolesOfGroups(entries: Entries, principal: string): HeldRole[] {
  const names = entriesOf(entries, 'principal').get(principal)?.fields.groups ?? []
  if (names.length === 0) return []
  return all(entries, 'group-role').flatMap(({ fields }) => {
    const group = entriesOf(entries, 'group').get(fields.group.id)?.fields.name
    return group !== undefined && names.includes(group)
      ? heldRole(entries, fields.role.id).map((held) => ({ ...held, group }))
      : []
  })
}

function heldRole(entries: Entries, id: string): HeldRole[] {
  const role = entriesOf(entries, 'role').get(id)
  const workspace = entriesOf(entries, 'workspace').get(role?.workspace ?? '')
  if (role === undefined || workspace === undefined) return []
  const ofRole = <K extends Permission>(kind: K): Entry<K>[] =>
    all(entries, kind).filter((entry) => referenceIn(entry, 'role') === role.id)
  return [
    {
      role: { id: role.id, name: role.fields.name },
      workspace: { id: workspace.id, name: workspace.fields.name },
      endpoints: ofRole('endpoint-permission').map((entry) => stored(entry)),
      entities: ofRole('entity-permission').map((entry) => stored(entry)),
    },
  ]
}

const all = <K extends EntityName>(entries: Entries, entity: K): Entry<K>[] => [
  ...entriesOf(entries, entity).values(),
]

type Permission = 'endpoint-permission' | 'entity-permission'

const stored = <K extends Permission>({ id, createdAt, updatedAt, fields }: Entry<K>): Stored<K> =>
  ({ ...fields, id, created_at: createdAt, updated_at: updatedAt }) as Stored<K>
