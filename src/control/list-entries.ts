import type { EntityName } from '../entities/entities.ts'
import { referencesIn, tagsOf, type Entry } from '../entities/entry.ts'
import type { Address } from './find-entry.ts'
import {
  comparePositions,
  sortKey,
  type EntryIndexes,
  type Position,
  type SortOrder,
  type WantedIndex,
} from './entry-indexes.ts'

export type ListRequest<K extends EntityName = EntityName> = Omit<Address<K>, 'at'> & {
  /** Only entries with every one of these tags, or with any. */
  readonly tags?: TagFilter | undefined
  /** Only entries with this text in a field. */
  readonly where?: { readonly field: string; readonly value: string } | undefined
  /** Only entries whose id or segment in paths is one of these. */
  readonly named?: ReadonlySet<string> | undefined
  /** In ascending order of id when absent. */
  readonly sort?: SortOrder | undefined
  /** Only entries that come after this position. */
  readonly after?: Position | undefined
}

/** Tags that entries must have; without tags, entries that have any. */
export type TagFilter = {
  readonly match: 'every' | 'any'
  readonly tags: readonly string[]
}

/** The indexes that a list of these entries reads. */
export function indexesFor({
  entity,
  within,
  where,
  tags,
  sort,
}: Omit<ListRequest, 'workspace'>): WantedIndex[] {
  const own = { entity, by: sort?.by }
  if (where !== undefined) return [{ ...own, index: `field:${where.field}` }]
  if (within !== undefined) return [{ ...own, index: `reference:${within.field}` }]
  if (tags === undefined) return [{ ...own, index: 'all' }]
  return [{ ...own, index: tags.tags.length === 0 ? 'tagged' : 'tag' }]
}

/** Entries in order, by the narrowest index that fits. Reads no further than it is iterated. */
export function listEntries<K extends EntityName>(
  indexes: EntryIndexes,
  request: ListRequest<K>,
): Iterable<Entry<K>> {
  return list(indexes, request) as Iterable<Entry<K>>
}

function* list(indexes: EntryIndexes, request: ListRequest): Iterable<Entry> {
  const { within, where, tags } = request
  for (const entry of narrowest(indexes, request)) {
    if (within !== undefined && !referencesIn(entry, within.field).includes(within.id)) continue
    if (where !== undefined && entry.fields[where.field] !== where.value) continue
    if (tags === undefined || hasTags(entry, tags)) yield entry
  }
}

/** Whether an entry has the requested tags. */
export function hasTags(entry: Pick<Entry, 'fields'>, { match, tags }: TagFilter): boolean {
  const own = tagsOf(entry)
  if (tags.length === 0) return own.length > 0
  return match === 'any'
    ? tags.some((tag) => own.includes(tag))
    : tags.every((tag) => own.includes(tag))
}

function narrowest(indexes: EntryIndexes, request: ListRequest): Iterable<Entry> {
  const { entity, workspace, within, where, tags, named, sort, after } = request
  const range = { entity, workspace, sort, after }
  const compare = (a: Entry, b: Entry): number =>
    comparePositions(positionOf(a, sort), positionOf(b, sort)) * (sort?.isDescending ? -1 : 1)
  if (named !== undefined) {
    const lists = [...named].flatMap((key) => {
      const entry = indexes.get(entity, workspace, key)
      const byId = entry === undefined || !isAfter(entry, request) ? [] : [entry]
      return [byId, indexes.scan({ ...range, index: 'segment', key })]
    })
    const found = new Map(lists.flatMap((list) => [...list]).map((entry) => [entry.id, entry]))
    return [...found.values()].toSorted(compare)
  }
  if (where !== undefined) {
    return indexes.scan({ ...range, index: `field:${where.field}`, key: where.value })
  }
  if (within !== undefined) {
    return indexes.scan({ ...range, index: `reference:${within.field}`, key: within.id })
  }
  if (tags === undefined) return indexes.scan({ ...range, index: 'all', key: '' })
  const [first] = tags.tags
  if (first === undefined) return indexes.scan({ ...range, index: 'tagged', key: '' })
  if (tags.match === 'every') return indexes.scan({ ...range, index: 'tag', key: first })
  return firsts(
    mergeInOrder(
      tags.tags.map((key) => indexes.scan({ ...range, index: 'tag', key })),
      compare,
    ),
  )
}

function* firsts(groups: Iterable<readonly Entry[]>): Iterable<Entry> {
  for (const [entry] of groups) if (entry !== undefined) yield entry
}

export const positionOf = (entry: Entry, sort: SortOrder | undefined): Position => ({
  sortKey: sortKey(entry, sort?.by),
  id: entry.id,
})

function isAfter(entry: Entry, { sort, after }: Pick<ListRequest, 'sort' | 'after'>): boolean {
  if (after === undefined) return true
  const order = comparePositions(positionOf(entry, sort), after)
  return sort?.isDescending === true ? order < 0 : order > 0
}

/** Merges lists that are in the same order: the first rows of all, equal ones together, then the next. */
export function* mergeInOrder<Row>(
  lists: readonly Iterable<Row>[],
  compare: (a: Row, b: Row) => number,
): Iterable<readonly Row[]> {
  const iterators = lists.map((list) => list[Symbol.iterator]())
  const heads = iterators.map((iterator) => iterator.next())
  for (;;) {
    let first: { readonly row: Row } | undefined
    for (const { done, value } of heads) {
      if (done !== true && (first === undefined || compare(value, first.row) < 0))
        first = { row: value }
    }
    if (first === undefined) return
    const rows: Row[] = []
    for (const [at, head] of heads.entries()) {
      if (head.done === true || compare(head.value, first.row) !== 0) continue
      rows.push(head.value)
      heads[at] = iterators[at]?.next() ?? { done: true, value: undefined }
    }
    yield rows
  }
}
