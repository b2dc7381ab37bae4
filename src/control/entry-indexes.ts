import { entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import {
  referenceIn,
  referencesIn,
  tagsOf,
  type Entries,
  type Entry,
  type Touched,
} from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import {
  everySteps,
  runBetweenEvents,
  runToCompletion,
  type CooperativeTask,
} from '../lib/cooperative-task.ts'
import { buildOrderedSet, type OrderedSet } from '../lib/ordered-set.ts'
import { nameOf } from './redact.ts'
import { uniqueKeys } from './unique-keys.ts'

/**
 * Key of an index of entries of one kind: none, their segment in paths, a tag, having tags, a reference, a field; in all
 * workspaces together, a field or reference (`anywhere`), or the key of a unique constraint.
 */
export type IndexName =
  | 'all'
  | 'segment'
  | 'tag'
  | 'tagged'
  | `reference:${string}`
  | `field:${string}`
  | `anywhere:${string}`
  | `unique:${string}`

/** Entries with equal values are in order of id. */
export type SortOrder = {
  /** A field, `created_at` or `updated_at`. */
  readonly by: string
  readonly isDescending: boolean
}

/** Position of an entry in a list: its id, and the result of `sortKey`, which is '' in order of id. */
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

/** An index on the entries of a kind, and the field by which it is sorted; by id when absent. */
export type WantedIndex = {
  readonly entity: EntityName
  readonly index: IndexName
  readonly by?: string | undefined
}

/** Indexes on the entries of a configuration. Each is built when it is first used and from then on follows every change. */
export type EntryIndexes = {
  readonly entries: Entries
  /** The entry of a workspace with an id. */
  get(entity: EntityName, workspace: string | null, id: string): Entry | undefined
  /** The entries of a part in order. Reads no further than it is iterated. */
  scan(range: IndexRange): Iterable<Entry>
  /** Whether all indexes of a list are built. Remembers the list, so that asking for the same one again costs nothing. */
  isPrepared(wanted: readonly WantedIndex[]): boolean
  /** Builds indexes in slices, so that no later use blocks the event loop for long. */
  prepare(wanted: readonly WantedIndex[]): Promise<void>
  /** The indexes of the configuration after a change; costs what the change touched. */
  next(entries: Entries, touched: readonly Touched[]): EntryIndexes
}

/** An entry with its key in an index, and its sort key unless that is its id. */
type KeyedEntry = { readonly key: string; readonly entry: Entry }
type SortedEntry = KeyedEntry & { readonly sortKey: string }

/** An entry in an index; the entry itself where the index has all of them by id. */
type Item = Entry | KeyedEntry | SortedEntry

/** An index, and the field by which entries with the same key are sorted; by id when absent. */
type Index = { readonly name: IndexName; readonly by: string | undefined }

/** Reads the items of an index, which are in order of home, key, sort key and id. */
type ItemReader = {
  itemsOf(entries: readonly Entry[]): Item[]
  homeOf(item: Item): string
  keyOf(item: Item): string
  positionOf(item: Item): Position
  compare(this: void, a: Item, b: Item): number
}

type BuiltIndex = Index & { readonly set: OrderedSet<Item>; readonly reader: ItemReader }

/** The indexes of a kind by name and field. Configurations with the same entries of the kind share them. */
type KindIndexes = {
  readonly built: Map<string, BuiltIndex>
  /** Those that are being built, which are among the built ones then. */
  readonly building: Map<string, Promise<BuiltIndex>>
}

type ByKind = Map<EntityName, KindIndexes>

/** Lists of which all indexes are built. */
type Prepared = Set<readonly WantedIndex[]>

/** Opens indexes on entries. */
export const openIndexes = (entries: Entries): EntryIndexes =>
  indexesOf(entries, new Map(), new Set())

function indexesOf(entries: Entries, kinds: ByKind, prepared: Prepared): EntryIndexes {
  const ofKind = (entity: EntityName): KindIndexes => {
    const known = kinds.get(entity)
    if (known !== undefined) return known
    const fresh: KindIndexes = { built: new Map(), building: new Map() }
    kinds.set(entity, fresh)
    return fresh
  }
  const indexOf = (entity: EntityName, index: Index): BuiltIndex => {
    const { built } = ofKind(entity)
    const known = built.get(idOf(index))
    if (known !== undefined) return known
    const fresh = runToCompletion(buildIndex(entity, index, entries))
    built.set(idOf(index), fresh)
    return fresh
  }
  return {
    entries,
    get(entity, workspace, id) {
      const entry = entries.get(entity)?.get(id)
      const isHere =
        entry !== undefined && (entry.workspace ?? '') === homeOf(entity, 'all', workspace)
      return isHere ? entry : undefined
    },
    *scan({ entity, workspace, index, key, sort, after }) {
      const home = homeOf(entity, index, workspace)
      const { set, reader } = indexOf(entity, { name: index, by: sort?.by })
      const isDescending = sort?.isDescending === true
      const toPart = (item: Item): number =>
        order(reader.homeOf(item), home) || order(reader.keyOf(item), key)
      const toPosition = (item: Item): number =>
        toPart(item) || (after === undefined ? 0 : comparePositions(reader.positionOf(item), after))
      const items = isDescending
        ? set.before((item) => (after === undefined ? toPart(item) > 0 : toPosition(item) >= 0))
        : set.from((item) => (after === undefined ? toPart(item) >= 0 : toPosition(item) > 0))
      for (const item of items) {
        if (toPart(item) !== 0) return
        yield entryIn(item)
      }
    },
    isPrepared(wanted) {
      if (prepared.has(wanted)) return true
      const isBuilt = ({ entity, index: name, by }: WantedIndex): boolean =>
        kinds.get(entity)?.built.has(idOf({ name, by })) === true
      if (!wanted.every(isBuilt)) return false
      prepared.add(wanted)
      return true
    },
    async prepare(wanted) {
      for (const { entity, index: name, by } of wanted) {
        const index = { name, by }
        const kind = ofKind(entity)
        if (kind.built.has(idOf(index))) continue
        await (kind.building.get(idOf(index)) ??
          keepWhenBuilt(kind, idOf(index), runBetweenEvents(buildIndex(entity, index, entries))))
      }
    },
    next(following, touched) {
      const updated = new Map(kinds)
      let isComplete = true
      for (const [entity, some] of Map.groupBy(touched, (one) => one.entity)) {
        const indexes = updated.get(entity)
        if (indexes === undefined) continue
        if (some.length > maxFollowed) {
          updated.delete(entity)
          isComplete = false
        } else {
          updated.set(entity, followed(indexes, some))
        }
      }
      return indexesOf(following, updated, isComplete ? new Set(prepared) : new Set())
    },
  }
}

/** The indexes of a kind after a change. Those that are being built follow it when they are. */
function followed({ built, building }: KindIndexes, touched: readonly Touched[]): KindIndexes {
  const removed = touched.flatMap(({ before }) => before ?? [])
  const added = touched.flatMap(({ after }) => after ?? [])
  const follow = (index: BuiltIndex): BuiltIndex => {
    const { set, reader } = index
    return { ...index, set: set.with(reader.itemsOf(removed), reader.itemsOf(added)) }
  }
  const next: KindIndexes = {
    built: new Map([...built].map(([id, index]) => [id, follow(index)])),
    building: new Map(),
  }
  for (const [id, promise] of building) void keepWhenBuilt(next, id, promise.then(follow))
  return next
}

function keepWhenBuilt(
  { built, building }: KindIndexes,
  id: string,
  promise: Promise<BuiltIndex>,
): Promise<BuiltIndex> {
  const kept = promise.then((index) => {
    building.delete(id)
    // It can have been needed, and built, at once meanwhile.
    if (!built.has(id)) built.set(id, index)
    return index
  })
  building.set(id, kept)
  return kept
}

/** For a change of more entries of its kind an index is rebuilt instead of updated: that takes less time, and can be suspended. */
const maxFollowed = 5_000

const idOf = ({ name, by = '' }: Index): string => `${name} ${by}`

function* buildIndex(
  entity: EntityName,
  index: Index,
  entries: Entries,
): CooperativeTask<BuiltIndex> {
  const reader = openReader(entity, index)
  const items: Item[] = []
  const pause = everySteps(1024)
  for (const entry of entries.get(entity)?.values() ?? []) {
    for (const item of reader.itemsOf([entry])) items.push(item)
    yield* pause()
  }
  return { ...index, reader, set: yield* buildOrderedSet(items, reader.compare) }
}

const entryIn = (item: Item): Entry => ('entry' in item ? item.entry : item)

function openReader(entity: EntityName, { name, by }: Index): ItemReader {
  const isByWorkspace = hasHomes(entity, name)
  const homeOfItem = (item: Item): string => (isByWorkspace ? (entryIn(item).workspace ?? '') : '')
  const keyOf = (item: Item): string => ('key' in item ? item.key : '')
  const positionOf = (item: Item): Position => ({
    sortKey: 'sortKey' in item ? item.sortKey : '',
    id: entryIn(item).id,
  })
  const keyed = (entry: Entry): Item[] =>
    keysOf(entity, name, entry).map((key) =>
      by === undefined ? { key, entry } : { key, entry, sortKey: sortKey(entry, by) },
    )
  return {
    itemsOf: (entries) =>
      name === 'all' && by === undefined ? [...entries] : entries.flatMap(keyed),
    homeOf: homeOfItem,
    keyOf,
    positionOf,
    compare: (a, b) =>
      order(homeOfItem(a), homeOfItem(b)) ||
      order(keyOf(a), keyOf(b)) ||
      comparePositions(positionOf(a), positionOf(b)),
  }
}

/** The ascending order of positions in one list. */
export const comparePositions = (a: Position, b: Position): number =>
  order(a.sortKey, b.sortKey) || order(a.id, b.id)

const order = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

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

/** The part of an index in which entries of a workspace are: '' where an index covers all workspaces. */
export const homeOf = (entity: EntityName, name: IndexName, workspace: string | null): string =>
  hasHomes(entity, name) ? (workspace ?? '') : ''

const hasHomes = (entity: EntityName, name: IndexName): boolean =>
  entityNamed(entity).inWorkspace && !name.startsWith('anywhere:') && !name.startsWith('unique:')

/** The keys by which an index finds an entry. */
export function keysOf(entity: EntityName, name: IndexName, entry: Entry): readonly string[] {
  if (name === 'all') return ['']
  if (name === 'segment') return [pathSegment(entityNamed(entity), entry)]
  if (name === 'tag') return [...new Set(tagsOf(entry))]
  if (name === 'tagged') return tagsOf(entry).length > 0 ? [''] : []
  const [kind, field = ''] = name.split(':', 2)
  if (kind === 'reference') return [...new Set(referencesIn(entry, field))]
  const value = kind === 'unique' ? uniqueKeyOf(entity, field, entry) : textIn(entity, field, entry)
  return value === undefined ? [] : [value]
}

function uniqueKeyOf(entity: EntityName, fields: string, entry: Entry): string | undefined {
  const constraints = uniqueKeys.get(entity) ?? []
  return constraints.find((unique) => unique.fields.join(',') === fields)?.keyOf(entry)
}

function textIn(entity: EntityName, field: string, entry: Entry): string | undefined {
  const isReference = field in entityNamed(entity).refersTo
  const value = isReference ? referenceIn(entry, field) : entry.fields[field]
  return typeof value === 'string' ? value : undefined
}

/** The segment by which paths, and the rules of roles, name an entry; ids are in lower case there. */
export function pathSegment(entity: Entity, entry: Entry): string {
  const segment = nameOf(entity, entry).replaceAll('/', '%2F')
  return uuidPattern.test(segment) ? segment.toLowerCase() : segment
}
