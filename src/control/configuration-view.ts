import { entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { entriesOf, type Entries, type Entry } from '../entities/entry.ts'
import type { IndexName, IndexRange } from './entry-indexes.ts'
import type { UniqueKey } from './unique-keys.ts'

/** A configuration that entries are looked up in by indexes: a revision, or the draft of one. */
export type ConfigurationView = {
  readonly entries: Entries
  /** The entries of a part of an index, in order of id. Reads no further than it is iterated. */
  scan(range: Omit<IndexRange, 'sort' | 'after'>): Iterable<Entry>
}

type Target = Pick<Entry, 'id' | 'workspace'>

/** The index by which entries of a kind are found by an entry that they refer to. */
export function referrerIndex(referring: Entity, field: string): IndexName {
  const target = referring.refersTo[field] ?? referring.refersToMany?.[field]
  const isGlobal = target !== undefined && !entityNamed(target).inWorkspace
  return referring.inWorkspace && isGlobal ? `anywhere:${field}` : `reference:${field}`
}

/** The entries of one kind that refer to an entry by a field. A reference never leads into another workspace. */
export function referrersOf<K extends EntityName>(
  view: ConfigurationView,
  entity: K,
  field: string,
  { id, workspace }: Target,
): Iterable<Entry<K>> {
  const index = referrerIndex(entityNamed(entity), field)
  return view.scan({ entity, workspace, index, key: id }) as Iterable<Entry<K>>
}

/** The index by which entries of a kind are found in all workspaces by the text in a field. */
export const anywhereIndex = ({ inWorkspace }: Entity, field: string): IndexName =>
  inWorkspace ? `anywhere:${field}` : `field:${field}`

/** The entries of one kind in all workspaces that have a text in a field. */
export const entriesWith = <K extends EntityName>(
  view: ConfigurationView,
  entity: K,
  field: string,
  text: string,
): Iterable<Entry<K>> =>
  view.scan({
    entity,
    workspace: null,
    index: anywhereIndex(entityNamed(entity), field),
    key: text,
  }) as Iterable<Entry<K>>

/** The index of a unique constraint. */
export function uniqueIndex(entity: Entity, { fields }: Pick<UniqueKey, 'fields'>): IndexName {
  const [only = '', ...others] = fields
  if (others.length > 0) return `unique:${fields.join(',')}`
  return entity.uniqueEverywhere === true ? anywhereIndex(entity, only) : `field:${only}`
}

/** The entries that have the same value as another in a unique field, or in a group of them. */
export function entriesSharing(
  view: ConfigurationView,
  entity: Entity,
  unique: UniqueKey,
  entry: Pick<Entry, 'workspace' | 'fields'>,
): Iterable<Entry> {
  const [only = '', ...others] = unique.fields
  const key = others.length > 0 ? unique.keyOf(entry as Entry) : entry.fields[only]
  if (typeof key !== 'string') return []
  const index = uniqueIndex(entity, unique)
  return view.scan({ entity: entity.name, workspace: entry.workspace, index, key })
}

/** All entries of one kind. */
export const allOf = <K extends EntityName>(entries: Entries, entity: K): Entry<K>[] => [
  ...entriesOf(entries, entity).values(),
]
