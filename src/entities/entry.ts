import type { AnyFields, EntryOf } from './declaration.ts'
import { RadixMap } from '../lib/radix-map.ts'
import type { EntityName, Fields } from './entities.ts'

/** A stored entity; typed by its name where the name is known. */
export type Entry<K extends EntityName = EntityName> = EntityName extends K
  ? EntryOf<AnyFields>
  : EntryOf<Fields<K>>

/** A configuration: entity name → id → entry. */
export type Entries = ReadonlyMap<EntityName, RadixMap<Entry>>

/** An entity that a change created, updated or deleted. */
export type Touched = {
  readonly entity: EntityName
  readonly id: string
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** A stored entity as one record. Times are seconds since the epoch, as in Kong. */
export type Stored<K extends EntityName> = Fields<K> & {
  id: string
  created_at: number
  updated_at: number
}

/** Entries in tables of any kind, to look up names. */
export type EntryTables = ReadonlyMap<EntityName, ReadonlyMap<string, Entry>>

export const entriesOf = <K extends EntityName>(entries: Entries, entity: K): RadixMap<Entry<K>> =>
  (entries.get(entity) ?? RadixMap.empty()) as RadixMap<Entry<K>>

/** The id in a reference field; undefined when unset. */
export function referenceIn(entry: Entry, field: string): string | undefined {
  return (entry.fields[field] as { id: string } | null | undefined)?.id
}

/** The ids in a field that holds a reference or a list of them. */
export function referencesIn(entry: Entry, field: string): readonly string[] {
  const value = entry.fields[field] as { id: string } | readonly { id: string }[] | null | undefined
  return [value ?? []].flat().map(({ id }) => id)
}

/** The tags of an entry; empty for an entity without tags. */
export const tagsOf = (entry: Pick<Entry, 'fields'>): readonly string[] =>
  (entry.fields['tags'] as readonly string[] | null | undefined) ?? []

/** A readable label: the name, username, target or group; undefined when none is set. */
export const labelOf = ({ fields }: Entry): string | undefined =>
  [fields['name'], fields['username'], fields['target'], fields['group']].find(
    (label): label is string => typeof label === 'string',
  )
