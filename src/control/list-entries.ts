import { entities, type EntityName } from '../entities/entities.ts'
import { referenceIn, tagsOf, type Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import type { Address } from './find-entry.ts'
import type { EntryIndexes } from './entry-indexes.ts'

/** What a list asks for. */
export type ListRequest<K extends EntityName = EntityName> = Omit<Address<K>, 'at'> & {
  /** Only entries with every one of these tags, or with any. */
  readonly tags?: TagFilter | undefined
  /** Only entries with this text in a field. */
  readonly where?: { readonly field: string; readonly value: string } | undefined
  /** Only entries whose id or segment in paths is one of these. */
  readonly named?: ReadonlySet<string> | undefined
  /** Only entries whose id comes after this one. */
  readonly after?: string | undefined
}

/** Which tags entries must have; without any, those that have some. */
export type TagFilter = {
  readonly match: 'every' | 'any'
  readonly tags: readonly string[]
}

/** Entries in order of id, by the narrowest index that fits. Reads no further than it is iterated. */
export function listEntries<K extends EntityName>(
  indexes: EntryIndexes,
  request: ListRequest<K>,
): Iterable<Entry<K>> {
  return list(indexes, request) as Iterable<Entry<K>>
}

function* list(indexes: EntryIndexes, request: ListRequest): Iterable<Entry> {
  const { within, where, tags } = request
  for (const entry of narrowest(indexes, request)) {
    if (within !== undefined && referenceIn(entry, within.field) !== within.id) continue
    if (where !== undefined && entry.fields[where.field] !== where.value) continue
    if (tags === undefined || hasTags(entry, tags)) yield entry
  }
}

/** Whether an entry has the tags that are asked for. */
export function hasTags(entry: Pick<Entry, 'fields'>, { match, tags }: TagFilter): boolean {
  const own = tagsOf(entry)
  if (tags.length === 0) return own.length > 0
  return match === 'any'
    ? tags.some((tag) => own.includes(tag))
    : tags.every((tag) => own.includes(tag))
}

/** The entry of a workspace whose key is the given text. */
export function findByKey<K extends EntityName>(
  indexes: EntryIndexes,
  { entity, workspace, at, within }: Address<K>,
): Entry<K> | undefined {
  const key = keys.get(entity)
  if (key === undefined || uuidPattern.test(at)) return undefined
  const where = { field: key, value: at }
  for (const entry of listEntries(indexes, { entity, workspace, within, where })) return entry
  return undefined
}

const keys: ReadonlyMap<string, string | undefined> = new Map(
  entities.map(({ name, key }) => [name, key]),
)

function narrowest(indexes: EntryIndexes, request: ListRequest): Iterable<Entry> {
  const { entity, workspace, within, where, tags, named, after = '' } = request
  const range = { entity, workspace, after }
  if (named !== undefined) {
    const lists = [...named].flatMap((key) => {
      const entry = indexes.get(entity, workspace, key)
      const byId = entry === undefined || entry.id <= after ? [] : [entry]
      return [byId, indexes.scan({ ...range, index: 'segment', key })]
    })
    const found = new Map(lists.flatMap((list) => [...list]).map((entry) => [entry.id, entry]))
    return [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
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
  return firsts(mergeById(tags.tags.map((key) => indexes.scan({ ...range, index: 'tag', key }))))
}

function* firsts(groups: Iterable<readonly Entry[]>): Iterable<Entry> {
  for (const [entry] of groups) if (entry !== undefined) yield entry
}

/** Merges lists in order of id: the rows with the lowest id, then those with the next. */
export function* mergeById<Row extends { readonly id: string }>(
  lists: readonly Iterable<Row>[],
): Iterable<readonly Row[]> {
  const iterators = lists.map((list) => list[Symbol.iterator]())
  const heads = iterators.map((iterator) => iterator.next())
  for (;;) {
    let lowest: string | undefined
    for (const { done, value } of heads) {
      if (done !== true && (lowest === undefined || value.id < lowest)) lowest = value.id
    }
    if (lowest === undefined) return
    const rows: Row[] = []
    for (const [at, head] of heads.entries()) {
      if (head.done === true || head.value.id !== lowest) continue
      rows.push(head.value)
      heads[at] = iterators[at]?.next() ?? { done: true, value: undefined }
    }
    yield rows
  }
}
