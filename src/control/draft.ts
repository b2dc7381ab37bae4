import type { EntityName } from '../entities/entities.ts'
import { entriesOf, type Entries, type Entry, type Touched } from '../entities/entry.ts'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { allOf, type ConfigurationView } from './configuration-view.ts'
import { homeOf, keysOf, type IndexName } from './entry-indexes.ts'

/** A configuration that is being changed: reads see earlier writes, and the original never changes. */
export type Draft = ConfigurationView & {
  find<K extends EntityName>(entity: K, id: string): Entry<K> | undefined
  all<K extends EntityName>(entity: K): readonly Entry<K>[]
  put(entity: EntityName, entry: Entry): void
  remove(entity: EntityName, id: string): void
  /** The entities that differ from the original. */
  touched(): Touched[]
  /** `touched`, which may be suspended. */
  listTouched(): CooperativeTask<Touched[]>
}

/** Opens a draft. The cost of a write depends on its changes. */
export function openDraft(start: ConfigurationView): Draft {
  const entries = new Map<EntityName, RadixMap<Entry>>(start.entries)
  const before = new Map<EntityName, Map<string, Entry | undefined>>()
  const overlay = openOverlay(entries)
  const write = (entity: EntityName, id: string, after: Entry | undefined): void => {
    const all = entries.get(entity) ?? RadixMap.empty<Entry>()
    const present = all.get(id)
    const ofKind = before.get(entity) ?? new Map<string, Entry | undefined>()
    if (!ofKind.has(id)) before.set(entity, ofKind.set(id, present))
    overlay.replace(entity, present, after)
    entries.set(entity, after === undefined ? all.without(id) : all.with(id, after))
  }
  function* listTouched(): CooperativeTask<Touched[]> {
    const touched: Touched[] = []
    for (const [entity, ids] of before) {
      for (const [id, was] of ids) {
        const after = entries.get(entity)?.get(id)
        if (was !== after) touched.push({ entity, id, before: was, after })
        yield
      }
    }
    return touched
  }
  return {
    entries,
    find: (entity, id) => entriesOf(entries, entity).get(id),
    all: (entity) => allOf(entries, entity),
    put: (entity, entry) => write(entity, entry.id, entry),
    remove: (entity, id) => write(entity, id, undefined),
    scan(range) {
      const written = before.get(range.entity)
      if (written === undefined) return start.scan(range)
      const home = homeOf(range.entity, range.index, range.workspace)
      const fresh = overlay.find(range.entity, range.index, `${home} ${range.key}`, written)
      return mergeById(start.scan(range), fresh, (id) => written.has(id))
    },
    touched: () => runToCompletion(listTouched()),
    listTouched,
  }
}

/** The entries of `stored` that are not hidden, and those of `fresh`, in order of id. */
function* mergeById(
  stored: Iterable<Entry>,
  fresh: readonly Entry[],
  isHidden: (id: string) => boolean,
): Iterable<Entry> {
  let next = 0
  for (const entry of stored) {
    if (isHidden(entry.id)) continue
    for (; next < fresh.length && (fresh[next] as Entry).id < entry.id; next += 1)
      yield fresh[next] as Entry
    yield entry
  }
  yield* fresh.slice(next)
}

/** Entries by place. Most are alone there, and a map for each would take most of a draft's memory. */
type ByKey = Map<string, Entry | Map<string, Entry>>

function addTo(byKey: ByKey, place: string, entry: Entry): void {
  const found = byKey.get(place)
  if (found instanceof Map) found.set(entry.id, entry)
  else if (found === undefined || found.id === entry.id) byKey.set(place, entry)
  else byKey.set(place, new Map([found, entry].map((one) => [one.id, one])))
}

function removeFrom(byKey: ByKey, place: string, id: string): void {
  const found = byKey.get(place)
  if (found instanceof Map) found.delete(id)
  else if (found?.id === id) byKey.delete(place)
}

function entriesAt(byKey: ByKey, place: string): readonly Entry[] {
  const found = byKey.get(place)
  if (found === undefined) return []
  return found instanceof Map ? [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1)) : [found]
}

/** Indexes of the entries that a draft wrote, each built when it is first read. */
function openOverlay(entries: Entries) {
  const indexes = new Map<EntityName, Map<IndexName, ByKey>>()
  const placesOf = (entity: EntityName, index: IndexName, entry: Entry): string[] =>
    keysOf(entity, index, entry).map((key) => `${homeOf(entity, index, entry.workspace)} ${key}`)
  const add = (byKey: ByKey, entity: EntityName, index: IndexName, entry: Entry): void => {
    for (const place of placesOf(entity, index, entry)) addTo(byKey, place, entry)
  }
  const build = (entity: EntityName, index: IndexName, written: Iterable<string>): ByKey => {
    const byKey: ByKey = new Map()
    for (const id of written) {
      const entry = entries.get(entity)?.get(id)
      if (entry !== undefined) add(byKey, entity, index, entry)
    }
    return byKey
  }
  return {
    replace(entity: EntityName, before: Entry | undefined, after: Entry | undefined): void {
      for (const [index, byKey] of indexes.get(entity) ?? []) {
        if (before !== undefined) {
          for (const place of placesOf(entity, index, before)) removeFrom(byKey, place, before.id)
        }
        if (after !== undefined) add(byKey, entity, index, after)
      }
    },
    find(
      entity: EntityName,
      index: IndexName,
      place: string,
      written: ReadonlyMap<string, unknown>,
    ): readonly Entry[] {
      const ofKind = indexes.get(entity) ?? new Map<IndexName, ByKey>()
      indexes.set(entity, ofKind)
      const byKey = ofKind.get(index) ?? build(entity, index, written.keys())
      ofKind.set(index, byKey)
      return entriesAt(byKey, place)
    },
  }
}
