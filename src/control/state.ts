import { buildRights } from '../access/build-rights.ts'
import type { HeldRole, Rights } from '../access/rights.ts'
import { referenceIn, type Entries, type Entry } from '../schema/entry.ts'
import type { EndpointPermission, EntityPermission } from '../schema/role.ts'
import type { SealedSnapshot, Snapshot } from '../schema/snapshot.ts'
import type { EntryIndexes } from './entry-indexes.ts'

/** A revision of the configuration as the control plane holds it: never changes, is replaced as a whole. */
export type State = {
  readonly revision: number
  readonly entries: Entries
  /** Indexes on the entries. */
  readonly indexes: EntryIndexes
  readonly snapshot: Snapshot
  readonly sealed: SealedSnapshot
  /** The rights of an enabled principal. */
  rightsOf(principal: string): Rights | undefined
  /** The id of the principal whose token has this SHA-256; expiry is for the asker to judge. */
  tokenOf(sha256: string): Entry | undefined
}

/** The state of a revision; rights are worked out when first asked for and kept as long as the revision. */
export function buildState(
  entries: Entries,
  indexes: EntryIndexes,
  snapshot: Snapshot,
  sealed: SealedSnapshot,
): State {
  const { revision } = sealed
  const rights = new Map<string, Rights | undefined>()
  const tokens = new Map(
    [...(entries.get('token')?.values() ?? [])].map((entry) => [entry.fields['token'], entry]),
  )
  return {
    revision,
    entries,
    indexes,
    snapshot,
    sealed,
    rightsOf(principal) {
      if (!rights.has(principal)) {
        const entry = entries.get('principal')?.get(principal)
        const isEnabled = entry?.fields['enabled'] === true
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
  { id, fields }: Entry,
  { revision, snapshot }: { revision: number; snapshot: Snapshot },
): Rights {
  const principal = { id, name: String(fields['name']), kind: String(fields['kind']) }
  return buildRights({ principal, held: heldRoles(entries, id), revision }, snapshot)
}

/** The roles of a principal, with what they say: those granted to them, and those of their groups. */
export function heldRoles(entries: Entries, principal: string): HeldRole[] {
  const granted = all(entries, 'grant')
    .filter((grant) => referenceIn(grant, 'principal') === principal)
    .flatMap((grant) => heldRole(entries, referenceIn(grant, 'role')))
  return [...granted, ...rolesOfGroups(entries, principal)]
}

function rolesOfGroups(entries: Entries, principal: string): HeldRole[] {
  const fields = entries.get('principal')?.get(principal)?.fields
  const names = (fields?.['groups'] ?? []) as readonly string[]
  if (names.length === 0) return []
  return all(entries, 'group-role').flatMap((given) => {
    const group = entries.get('group')?.get(referenceIn(given, 'group') ?? '')?.fields['name']
    return typeof group === 'string' && names.includes(group)
      ? heldRole(entries, referenceIn(given, 'role')).map((held) => ({ ...held, group }))
      : []
  })
}

function heldRole(entries: Entries, id: string | undefined): HeldRole[] {
  const role = entries.get('role')?.get(id ?? '')
  const workspace = entries.get('workspace')?.get(role?.workspace ?? '')
  if (role === undefined || workspace === undefined) return []
  const ofRole = (entity: string): Entry[] =>
    all(entries, entity).filter((entry) => referenceIn(entry, 'role') === role.id)
  return [
    {
      role: { id: role.id, name: String(role.fields['name']) },
      workspace: { id: workspace.id, name: String(workspace.fields['name']) },
      endpoints: ofRole('endpoint-permission').map((entry) => stored<EndpointPermission>(entry)),
      entities: ofRole('entity-permission').map((entry) => stored<EntityPermission>(entry)),
    },
  ]
}

const all = (entries: Entries, entity: string): Entry[] => [
  ...(entries.get(entity)?.values() ?? []),
]

const stored = <Stored>({ id, createdAt, updatedAt, fields }: Entry): Stored =>
  ({ ...fields, id, created_at: createdAt, updated_at: updatedAt }) as Stored
