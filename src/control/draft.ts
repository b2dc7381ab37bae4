import type { Entries, Entry } from '../schema/entry.ts'

/** What a change did to one entity. */
export type Touched = {
  readonly entity: string
  readonly id: string
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** A configuration in the making: reads see what was put, the one it started from stays as it was. */
export type Draft = {
  /** The configuration so far. */
  readonly entries: Entries
  find(entity: string, id: string): Entry | undefined
  /** All of one kind, as they are at this moment. */
  all(entity: string): readonly Entry[]
  put(entity: string, entry: Entry): void
  remove(entity: string, id: string): void
  /** Everything that is not as it was. */
  touched(): Touched[]
}

/** Opens a draft on a configuration. */
export function openDraft(start: Entries): Draft {
  const entries = new Map(start)
  const copied = new Map<string, Map<string, Entry>>()
  const writable = (entity: string): Map<string, Entry> => {
    const known = copied.get(entity)
    if (known !== undefined) return known
    const copy = new Map(start.get(entity))
    copied.set(entity, copy)
    entries.set(entity, copy)
    return copy
  }
  return {
    entries,
    find: (entity, id) => entries.get(entity)?.get(id),
    all: (entity) => [...(entries.get(entity)?.values() ?? [])],
    put: (entity, entry) => void writable(entity).set(entry.id, entry),
    remove: (entity, id) => void writable(entity).delete(id),
    touched: () =>
      [...copied].flatMap(([entity, now]) => {
        const was: ReadonlyMap<string, Entry> = start.get(entity) ?? new Map<string, Entry>()
        return [...new Set([...was.keys(), ...now.keys()])]
          .map((id) => ({ entity, id, before: was.get(id), after: now.get(id) }))
          .filter(({ before, after }) => before !== after)
      }),
  }
}
