import { entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { referenceIn, tagsOf, type Entries, type Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import type { Touched } from './draft.ts'
import { orderedSet, type OrderedSet } from './state/ordered-set.ts'
import { nameOf } from './redact.ts'

/** What entries of one kind are found by: nothing, their segment in paths, a tag, having tags, a reference, or a field. */
export type IndexName =
  | 'all'
  | 'segment'
  | 'tag'
  | 'tagged'
  | `reference:${string}`
  | `field:${string}`

/** A part of an index: the entries of a workspace with one key, from after an id on. */
export type IndexRange = {
  readonly entity: EntityName
  /** Null for what belongs to no workspace. */
  readonly workspace: string | null
  readonly index: IndexName
  readonly key: string
  readonly after?: string | undefined
}

/** Indexes on the entries of a configuration. Each is built when it is first used and from then on follows every change. */
export type EntryIndexes = {
  /** The entry of a workspace with an id. */
  get(entity: EntityName, workspace: string | null, id: string): Entry | undefined
  /** The entries of a part, in order of id. Reads no further than it is iterated. */
  scan(range: IndexRange): Iterable<Entry>
  /** The indexes of the configuration after a change; costs what the change touched. */
  next(entries: Entries, touched: readonly Touched[]): EntryIndexes
}

/** An entry where one of its keys puts it: by workspace, key and id. */
type Item = { readonly key: string; readonly entry: Entry }

type Built = ReadonlyMap<EntityName, ReadonlyMap<IndexName, OrderedSet<Item>>>

/** Opens indexes on entries. */
export const openIndexes = (entries: Entries): EntryIndexes => indexesOf(entries, new Map())

function indexesOf(entries: Entries, before: Built): EntryIndexes {
  const built = new Map([...before].map(([entity, indexes]) => [entity, new Map(indexes)]))
  const indexOf = (entity: EntityName, name: IndexName): OrderedSet<Item> => {
    const indexes = built.get(entity) ?? new Map<IndexName, OrderedSet<Item>>()
    built.set(entity, indexes)
    const known = indexes.get(name)
    if (known !== undefined) return known
    const made = orderedSet(name === 'all' ? sorted(entity) : grouped(entity, name), compare)
    indexes.set(name, made)
    return made
  }
  const sorted = (entity: EntityName): Item[] =>
    [...(entries.get(entity)?.values() ?? [])]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((entry) => ({ key: '', entry }))
  // Sorting is quick when items are in order already, and they are once those with the same key are together.
  const grouped = (entity: EntityName, name: IndexName): Item[] => {
    const inOrder = [...indexOf(entity, 'all').from(() => true)].map(({ entry }) => entry)
    const byKey = Map.groupBy(itemsOf(entity, name, inOrder), ({ key }) => key)
    return [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? [])
  }
  const homeOf = (entity: EntityName, workspace: string | null): string =>
    entityNamed(entity).inWorkspace ? (workspace ?? '') : ''
  return {
    get(entity, workspace, id) {
      const entry = entries.get(entity)?.get(id)
      const isHere = entry !== undefined && (entry.workspace ?? '') === homeOf(entity, workspace)
      return isHere ? entry : undefined
    },
    *scan({ entity, workspace, index, key, after = '' }) {
      const home = homeOf(entity, workspace)
      const place = (item: Item): number =>
        order(item.entry.workspace ?? '', home) ||
        order(item.key, key) ||
        order(item.entry.id, after)
      for (const item of indexOf(entity, index).from((one) => place(one) > 0)) {
        if (item.key !== key || (item.entry.workspace ?? '') !== home) return
        yield item.entry
      }
    },
    next(following, touched) {
      const updated = new Map(built as Built)
      for (const [entity, some] of Map.groupBy(touched, (one) => one.entity)) {
        const indexes = updated.get(entity)
        if (indexes === undefined) continue
        const removed = some.flatMap(({ before: was }) => was ?? [])
        const added = some.flatMap(({ after }) => after ?? [])
        const changed = [...indexes].map(
          ([name, index]) =>
            [
              name,
              index.with(itemsOf(entity, name, removed), itemsOf(entity, name, added)),
            ] as const,
        )
        updated.set(entity, new Map(changed))
      }
      return indexesOf(following, updated)
    },
  }
}

const compare = (a: Item, b: Item): number =>
  order(a.entry.workspace ?? '', b.entry.workspace ?? '') ||
  order(a.key, b.key) ||
  order(a.entry.id, b.entry.id)

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const itemsOf = (entity: EntityName, name: IndexName, entries: readonly Entry[]): Item[] =>
  entries.flatMap((entry) => keysOf(entity, name, entry).map((key) => ({ key, entry })))

function keysOf(entity: EntityName, name: IndexName, entry: Entry): readonly string[] {
  if (name === 'all') return ['']
  if (name === 'segment') return [pathSegment(entityNamed(entity), entry)]
  if (name === 'tag') return [...new Set(tagsOf(entry))]
  if (name === 'tagged') return tagsOf(entry).length > 0 ? [''] : []
  const [kind, field = ''] = name.split(':', 2)
  const value = kind === 'reference' ? referenceIn(entry, field) : entry.fields[field]
  return typeof value === 'string' ? [value] : []
}

/** The segment by which paths, and the rules of roles, name an entry; ids are in lower case there. */
export function pathSegment(entity: Entity, entry: Entry): string {
  const segment = nameOf(entity, entry).replaceAll('/', '%2F')
  return uuidPattern.test(segment) ? segment.toLowerCase() : segment
}
