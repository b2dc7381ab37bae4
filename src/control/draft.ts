import type { EntityName } from '../entities/entities.ts'
import { entriesOf, type Entries, type Entry } from '../entities/entry.ts'

/** What a change did to one entity. */
export type Touched = {
  readonly entity: EntityName
  readonly id: string
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** A configuration in the making: reads see what was put, the one it started from stays as it was. */
export type Draft = {
  /** The configuration so far. */
  readonly entries: Entries
  find<K extends EntityName>(entity: K, id: string): Entry<K> | undefined
  /** All of one kind, as they are at this moment. */
  all<K extends EntityName>(entity: K): readonly Entry<K>[]
  /** Those of one kind that have a key in common with others. */
  sharing(entity: EntityName, keyOf: KeyOf, key: string): readonly Entry[]
  put(entity: EntityName, entry: Entry): void
  remove(entity: EntityName, id: string): void
  /** Everything that is not as it was. */
  touched(): Touched[]
}

/** A text that entries may have in common, if they have one; must always be the same function. */
export type KeyOf = (entry: Entry) => string | undefined

/** Opens a draft on a configuration. */
export function openDraft(start: Entries): Draft {
  const entries = new Map(start)
  const copied = new Map<EntityName, Map<string, Entry>>()
  const keys = openKeys()
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
      keys.forget(entity, entries.get(entity)?.get(entry.id))
      writable(entity).set(entry.id, entry)
      keys.learn(entity, entry)
    },
    remove(entity, id) {
      keys.forget(entity, entries.get(entity)?.get(id))
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

/** How often entries are searched one by one before it pays to remember their keys. */
const searchesBeforeIndex = 4

type Index = { searches: number; ids: Map<string, Set<string>> | undefined }

/** Remembers which entries have which keys, once that is asked often. */
function openKeys() {
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
    learn: (entity: string, entry: Entry) => each(entity, entry, (ids) => ids.add(entry.id)),
    forget: (entity: string, entry: Entry | undefined) =>
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
