import type { AnyFields, EntryOf } from './declaration.ts'
import type { EntityName, Fields } from './entities.ts'

/** One stored entity; its fields are known where its kind is. */
export type Entry<K extends EntityName = EntityName> = EntityName extends K
  ? EntryOf<AnyFields>
  : EntryOf<Fields<K>>

/** A whole configuration: name of entity → id → entry. */
export type Entries = ReadonlyMap<EntityName, ReadonlyMap<string, Entry>>

/** A stored entity in one record, with what every entity has. Times are seconds since the epoch, as in Kong. */
export type Stored<K extends EntityName> = Fields<K> & {
  id: string
  created_at: number
  updated_at: number
}

/** The entries of one kind by their ids. */
export const entriesOf = <K extends EntityName>(
  entries: Entries,
  entity: K,
): ReadonlyMap<string, Entry<K>> =>
  (entries.get(entity) ?? new Map()) as ReadonlyMap<string, Entry<K>>

/** The id a reference field holds; undefined when it is unset. */
export function referenceIn(entry: Entry, field: string): string | undefined {
  return (entry.fields[field] as { id: string } | null | undefined)?.id
}

/** The tags of an entry; none where its kind has no tags. */
export const tagsOf = (entry: Pick<Entry, 'fields'>): readonly string[] =>
  (entry.fields['tags'] as readonly string[] | null | undefined) ?? []

/** The most readable of its fields that are no secret; undefined when none of them is set. */
export const labelOf = ({ fields }: Entry): string | undefined =>
  [fields['name'], fields['username'], fields['target'], fields['group']].find(
    (label): label is string => typeof label === 'string',
  )
