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

/** How a list is sorted; entries with equal values are in order of id. */
export type SortOrder = {
  /** A field, `created_at` or `updated_at`. */
  readonly by: string
  readonly isDescending: boolean
}

/** Where an entry is in a list: what `sortKey` returns for it, '' in order of id, and its id. */
export type Position = { readonly sortKey: string; readonly id: string }

/** A part of an index: the entries of a workspace with one key, from after a position on. */
export type IndexRange = {
  readonly entity: EntityName
  /** Null for what belongs to no workspace. */
  readonly workspace: string | null
  readonly index: IndexName
  readonly key: string
  /** In ascending order of id when absent. */
  readonly sort?: SortOrder | undefined
  readonly after?: Position | undefined
}

/** Indexes on the entries of a configuration. Each is built when it is first used and from then on follows every change. */
export type EntryIndexes = {
  /** The entry of a workspace with an id. */
  get(entity: EntityName, workspace: string | null, id: string): Entry | undefined
  /** The entries of a part in order. Reads no further than it is iterated. */
  scan(range: IndexRange): Iterable<Entry>
  /** The indexes of the configuration after a change; costs what the change touched. */
  next(entries: Entries, touched: readonly Touched[]): EntryIndexes
}

/** An entry where one of its keys puts it: by workspace, key, sort key and id. */
type Item = { readonly key: string; readonly sortKey: string; readonly entry: Entry }

/** An index, and the field by which entries with the same key are sorted; by id when absent. */
type Index = { readonly name: IndexName; readonly by: string | undefined }

type BuiltIndex = Index & { readonly set: OrderedSet<Item> }

/** Kind of entity → name and field of an index → the index. */
type Built = ReadonlyMap<EntityName, ReadonlyMap<string, BuiltIndex>>

/** Opens indexes on entries. */
export const openIndexes = (entries: Entries): EntryIndexes => indexesOf(entries, new Map())

function indexesOf(entries: Entries, before: Built): EntryIndexes {
  const built = new Map([...before].map(([entity, indexes]) => [entity, new Map(indexes)]))
  const indexOf = (entity: EntityName, index: Index): OrderedSet<Item> => {
    const indexes = built.get(entity) ?? new Map<string, BuiltIndex>()
    built.set(entity, indexes)
    const id = `${index.name} ${index.by ?? ''}`
    const known = indexes.get(id)
    if (known !== undefined) return known.set
    const set = orderedSet(
      index.name === 'all' && index.by === undefined ? sorted(entity) : grouped(entity, index),
      compare,
    )
    indexes.set(id, { ...index, set })
    return set
  }
  const sorted = (entity: EntityName): Item[] =>
    [...(entries.get(entity)?.values() ?? [])]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((entry) => ({ key: '', sortKey: '', entry }))
  // Sorting is quick when items are in order already, and they are once those with the same key are together.
  const grouped = (entity: EntityName, index: Index): Item[] => {
    const byId = [...indexOf(entity, { name: 'all', by: undefined }).from(() => true)]
    const items = itemsOf(
      entity,
      index,
      byId.map(({ entry }) => entry),
    )
    if (index.by !== undefined) items.sort((a, b) => order(a.sortKey, b.sortKey))
    const byKey = Map.groupBy(items, ({ key }) => key)
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
    *scan({ entity, workspace, index, key, sort, after }) {
      const home = homeOf(entity, workspace)
      const set = indexOf(entity, { name: index, by: sort?.by })
      const isDescending = sort?.isDescending === true
      const toPart = (item: Item): number =>
        order(item.entry.workspace ?? '', home) || order(item.key, key)
      const toPosition = (item: Item): number =>
        toPart(item) || (after === undefined ? 0 : comparePositions(positionOf(item), after))
      const items = isDescending
        ? set.before((item) => (after === undefined ? toPart(item) > 0 : toPosition(item) >= 0))
        : set.from((item) => (after === undefined ? toPart(item) >= 0 : toPosition(item) > 0))
      for (const item of items) {
        if (toPart(item) !== 0) return
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
        const changed = [...indexes].map(([id, index]) => {
          const items = (of: readonly Entry[]): Item[] => itemsOf(entity, index, of)
          return [id, { ...index, set: index.set.with(items(removed), items(added)) }] as const
        })
        updated.set(entity, new Map(changed))
      }
      return indexesOf(following, updated)
    },
  }
}

const compare = (a: Item, b: Item): number =>
  order(a.entry.workspace ?? '', b.entry.workspace ?? '') ||
  order(a.key, b.key) ||
  comparePositions(positionOf(a), positionOf(b))

const positionOf = ({ sortKey: own, entry }: Item): Position => ({ sortKey: own, id: entry.id })

/** The ascending order of positions in one list. */
export const comparePositions = (a: Position, b: Position): number =>
  order(a.sortKey, b.sortKey) || order(a.id, b.id)

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const itemsOf = (entity: EntityName, { name, by }: Index, entries: readonly Entry[]): Item[] =>
  entries.flatMap((entry) =>
    keysOf(entity, name, entry).map((key) => ({ key, sortKey: sortKey(entry, by), entry })),
  )

/** The text by which an entry is sorted: names without regard to case, times with digits in front so that they are in order as text. */
export function sortKey(
  { createdAt, updatedAt, fields }: Pick<Entry, 'createdAt' | 'updatedAt' | 'fields'>,
  by: string | undefined,
): string {
  if (by === undefined) return ''
  if (by === 'created_at') return String(createdAt).padStart(16, '0')
  if (by === 'updated_at') return String(updatedAt).padStart(16, '0')
  const value = fields[by]
  return typeof value === 'string' ? value.toLowerCase() : ''
}

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
