import type { EntityName } from '../entities/entities.ts'
import { entriesOf, type Entries, type Entry } from '../entities/entry.ts'

/** An entity that a change created, updated or deleted. */
export type Touched = {
  readonly entity: EntityName
  readonly id: string
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** A mutable copy of a configuration: reads see earlier writes, and the original never changes. */
export type Draft = {
  readonly entries: Entries
  find<K extends EntityName>(entity: K, id: string): Entry<K> | undefined
  all<K extends EntityName>(entity: K): readonly Entry<K>[]
  /** The entries of one kind with this key. */
  sharing(entity: EntityName, keyOf: KeyOf, key: string): readonly Entry[]
  put(entity: EntityName, entry: Entry): void
  remove(entity: EntityName, id: string): void
  /** The entities that differ from the original. */
  touched(): Touched[]
}

/** The key of an entry, if it has one. Indexes are cached by this function, so callers pass the same one each time. */
export type KeyOf = (entry: Entry) => string | undefined

export function openDraft(start: Entries): Draft {
  const entries = new Map(start)
  const copied = new Map<EntityName, Map<string, Entry>>()
  const keys = openKeyIndexes()
  const writable = (entity: EntityName): Map<string, Entry> => {
    const known = copied.get(entity)
    if (known !== undefined) return known
    const copy = new Map(start.get(entity))
    copied.set(entity, copy)
    entries.set(entity, copy)
    return copy
  }
  return {
    entries,
    find: (entity, id) => entriesOf(entries, entity).get(id),
    all: (entity) => [...entriesOf(entries, entity).values()],
    sharing: (entity, keyOf, key) =>
      keys.find(entity, keyOf, entriesOf<EntityName>(entries, entity), key),
    put(entity, entry) {
      keys.drop(entity, entries.get(entity)?.get(entry.id))
      writable(entity).set(entry.id, entry)
      keys.add(entity, entry)
    },
    remove(entity, id) {
      keys.drop(entity, entries.get(entity)?.get(id))
      writable(entity).delete(id)
    },
    touched: () =>
      [...copied].flatMap(([entity, now]) => {
        const was: ReadonlyMap<string, Entry> = start.get(entity) ?? new Map<string, Entry>()
        return [...new Set([...was.keys(), ...now.keys()])]
          .map((id) => ({ entity, id, before: was.get(id), after: now.get(id) }))
          .filter(({ before, after }) => before !== after)
      }),
  }
}

/** Searches by iteration before an index is built. */
const searchesBeforeIndex = 4

type Index = { searches: number; ids: Map<string, Set<string>> | undefined }

/** Indexes of entries by key, each built once it is used often. */
function openKeyIndexes() {
  const indexes = new Map<string, Map<KeyOf, Index>>()
  const each = (entity: string, entry: Entry | undefined, visit: (ids: Set<string>) => void) => {
    if (entry === undefined) return
    for (const [keyOf, { ids }] of indexes.get(entity) ?? []) {
      const key = ids === undefined ? undefined : keyOf(entry)
      if (key === undefined || ids === undefined) continue
      const found = ids.get(key) ?? new Set()
      ids.set(key, found)
      visit(found)
    }
  }
  return {
    add: (entity: string, entry: Entry) => each(entity, entry, (ids) => ids.add(entry.id)),
    drop: (entity: string, entry: Entry | undefined) =>
      each(entity, entry, (ids) => ids.delete(entry?.id ?? '')),
    find(
      entity: string,
      keyOf: KeyOf,
      all: ReadonlyMap<string, Entry>,
      key: string,
    ): readonly Entry[] {
      const ofEntity = indexes.get(entity) ?? new Map<KeyOf, Index>()
      indexes.set(entity, ofEntity)
      const index = ofEntity.get(keyOf) ?? { searches: 0, ids: undefined }
      ofEntity.set(keyOf, index)
      index.searches += 1
      if (index.searches <= searchesBeforeIndex) {
        return [...all.values()].filter((entry) => keyOf(entry) === key)
      }
      index.ids ??= idsByKey(all, keyOf)
      return [...(index.ids.get(key) ?? [])].flatMap((id) => all.get(id) ?? [])
    },
  }
}

function idsByKey(all: ReadonlyMap<string, Entry>, keyOf: KeyOf): Map<string, Set<string>> {
  const ids = new Map<string, Set<string>>()
  for (const entry of all.values()) {
    const key = keyOf(entry)
    if (key === undefined) continue
    const found = ids.get(key) ?? new Set()
    ids.set(key, found.add(entry.id))
  }
  return ids
}
