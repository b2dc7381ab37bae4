import { entities } from '../schema/entities.ts'
import type { Entity } from '../schema/entity.ts'
import { uuidPattern } from '../schema/fields.ts'
import { referenceIn, type Entries, type Entry } from '../schema/entry.ts'

const byName: ReadonlyMap<string, Entity> = new Map(
  entities.map((entity) => [entity.name, entity] as const),
)

/** The declaration of an entity. */
export function entityNamed(name: string): Entity {
  const found = byName.get(name)
  if (found === undefined) throw new TypeError(`no entity is called '${name}'`)
  return found
}

/** Where an entry is to be found. */
export type Address = {
  readonly entity: string
  /** Ignored for what belongs to no workspace. */
  readonly workspace: string | null
  /** Its id or its key. */
  readonly at: string
  /** A reference that it must hold. */
  readonly within?: { readonly field: string; readonly id: string } | undefined
}

/** The entry at an address; an id is tried before a key. */
export function findEntry(entries: Entries, address: Address): Entry | undefined {
  const { at, entity: name, workspace, within } = address
  const entity = entityNamed(name)
  const isHere = (entry: Entry): boolean =>
    (!entity.inWorkspace || entry.workspace === workspace) &&
    (within === undefined || referenceIn(entry, within.field) === within.id)
  const all = entries.get(name)
  const byId = uuidPattern.test(at) ? all?.get(at.toLowerCase()) : undefined
  if (byId !== undefined) return isHere(byId) ? byId : undefined
  if (name === 'certificate') return certificateOf(entries, address)
  for (const entry of all?.values() ?? []) {
    if (isNamed(entity, entry, at) && isHere(entry)) return entry
  }
  return undefined
}

/** Whether an entry has a key. The port of a target may be left out. */
function isNamed({ name, key }: Entity, { fields }: Entry, at: string): boolean {
  if (key === undefined) return false
  return fields[key] === at || (name === 'target' && fields[key] === `${at}:8000`)
}

/** A certificate has no name but those for which it is shown. */
function certificateOf(entries: Entries, address: Address): Entry | undefined {
  const sni = findEntry(entries, { entity: 'sni', workspace: address.workspace, at: address.at })
  const id = sni === undefined ? undefined : referenceIn(sni, 'certificate')
  return id === undefined ? undefined : findEntry(entries, { ...address, at: id })
}
