import type { z } from 'zod'
import { memoizeByKey } from '../lib/memoize-by-key.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import type { Reader } from '../control/reader.ts'
import { isRecord } from '../lib/is-record.ts'
import { canonicalText } from '../lib/canonical-text.ts'
import { entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { labelOf, referenceIn, type Entries, type Entry } from '../entities/entry.ts'
import { declaredEntities, parentField, listName, type DocumentPart } from './declared-entities.ts'
import { entriesInScope } from './plan-document.ts'
import { formatVersion } from './read-document.ts'

export type DumpRequest = {
  readonly part: DocumentPart
  readonly workspace: { readonly id: string; readonly name: string }
  readonly selectTags: readonly string[]
  readonly ownsShared: boolean
  /** Includes ids of entities that have a name. */
  readonly withIds: boolean
  readonly reader: Pick<Reader, 'mayRead'>
  readonly canReadSecrets: (entity: EntityName, entry: Entry) => boolean
}

type Rendered = Record<string, unknown>

/** Renders a workspace in decK's format: entities nested under their parents, without values that equal defaults. */
export function* renderDocument(all: Entries, request: DumpRequest): CooperativeTask<Rendered> {
  const { part, workspace, selectTags } = request
  const document = {
    selectTags,
    isHashed: false,
    lists: {},
    defaults: {},
    pluginConfigs: {},
    workspace: undefined,
  }
  const scope = { ...request, document, workspace: workspace.id }
  const rendered = new Map<string, Rendered>()
  const top: Rendered = {}
  const kinds = new Map(declaredEntities(part).map((entity) => [entity.name, entity]))
  const found = yield* entriesInScope(all, scope)
  const hashed = hashedConsumers(found)
  for (const { entity: name, entry } of sortEntries(found)) {
    yield
    const entity = kinds.get(name) as Entity
    const container = findContainer(entity, entry, { kinds, rendered, all })
    const body = renderEntry(entity, entry, { request, all, under: container?.field, hashed })
    rendered.set(entry.id, body)
    const target = container?.target ?? top
    const list = container?.list ?? listName(entity)
    const members = (target[list] as unknown[] | undefined) ?? []
    target[list] = members
    members.push(body)
  }
  return {
    _format_version: formatVersion,
    ...(workspace.name === 'default' ? {} : { _workspace: workspace.name }),
    ...renderInfo(selectTags, hashed.size > 0),
    ...top,
  }
}

/** Password hashes are salted with the consumer's id, so these ids must be in the document. */
const hashedConsumers = (found: Found): ReadonlySet<string> =>
  new Set(
    found.flatMap(({ entity, entry }) => {
      const { acceptsHashes }: Entity = entityNamed(entity)
      return (acceptsHashes && referenceIn(entry, acceptsHashes.saltedBy)) ?? []
    }),
  )

function renderInfo(selectTags: readonly string[], hasHashes: boolean): Rendered {
  if (selectTags.length === 0 && !hasHashes) return {}
  return {
    _info: {
      ...(selectTags.length === 0 ? {} : { select_tags: [...selectTags] }),
      ...(hasHashes ? { skip_hash_for_basic_auth: true } : {}),
    },
  }
}

type Found = readonly { readonly entity: EntityName; readonly entry: Entry }[]

/** Parents first, then by name, so that equal configurations render equal text. */
function sortEntries(found: Found): Found {
  const order = new Map<string, number>()
  for (const { entity } of found) order.set(entity, order.get(entity) ?? order.size)
  return found
    .map((one) => ({
      one,
      rank: order.get(one.entity) ?? 0,
      name: labelOf(one.entry) ?? one.entry.id,
    }))
    .sort(
      (a, b) =>
        a.rank - b.rank || compare(a.name, b.name) || compare(a.one.entry.id, b.one.entry.id),
    )
    .map(({ one }) => one)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

type RenderContext = {
  readonly kinds: ReadonlyMap<EntityName, Entity>
  readonly rendered: ReadonlyMap<string, Rendered>
  readonly all: Entries
}

/** The rendered entity under which an entry is nested: its only reference in the document, or the first side of a join. */
function findContainer(entity: Entity, entry: Entry, { kinds, rendered }: RenderContext) {
  const candidates = Object.entries(entity.refersTo).flatMap(([field, target]) => {
    const id = referenceIn(entry, field)
    const parent = kinds.get(target)
    return id === undefined || parent === undefined ? [] : [{ field, id, parent }]
  })
  const [joined, list = listName(entity)] = nestedJoin(entity)
  const [only] =
    joined === undefined ? candidates : candidates.filter(({ field }) => field === joined)
  const isUnambiguous = candidates.length === 1 || joined !== undefined
  const target = only === undefined || !isUnambiguous ? undefined : rendered.get(only.id)
  if (only === undefined || target === undefined || !isNestedUnder(entity, only.field))
    return undefined
  return { target, list, field: parentField(entity, only.parent) }
}

/** A mere reference does not nest: a service is not part of its client certificate. */
const isNestedUnder = ({ belongsTo, cascades = [], document }: Entity, field: string): boolean =>
  field === belongsTo || cascades.includes(field) || document?.nestsUnder?.includes(field) === true

/** For a join: the reference under which it is nested, the name of the list there, and the other reference. */
function nestedJoin({
  document,
}: Entity): readonly [field?: string, list?: string, other?: string] {
  const [first, second] = Object.entries(document?.joins ?? {})
  return first === undefined || second === undefined ? [] : [...first, second[0]]
}

type EntryContext = {
  readonly request: DumpRequest
  readonly all: Entries
  /** The reference to the parent, which nesting already expresses. */
  readonly under: string | undefined
  readonly hashed: ReadonlySet<string>
}

function renderEntry(entity: Entity, entry: Entry, context: EntryContext): Rendered {
  const { request, under } = context
  const [joined, , other] = nestedJoin(entity)
  if (other !== undefined && under === joined) {
    return { name: referenceName(entity, other, entry, context) }
  }
  const hasSecrets = request.canReadSecrets(entity.name, entry)
  const isHidden = (field: string): boolean =>
    field === under || (entity.secret.includes(field) && !hasSecrets)
  const fields = Object.entries(entity.fields.shape as Record<string, z.ZodType>)
  const values = fields.flatMap(([field, type]) => {
    const value = isHidden(field) ? undefined : renderValue(entity, field, type, entry, context)
    return value === undefined ? [] : [[field, value] as const]
  })
  const includesId =
    context.hashed.has(entry.id) ||
    request.withIds ||
    !isNamed(entity, entry) ||
    entity.document?.withId === true
  return { ...(includesId ? { id: entry.id } : {}), ...Object.fromEntries(values) }
}

/** A composite key always identifies an entity, a single field only when it is set. */
const isNamed = ({ unique }: Entity, { fields }: Entry): boolean =>
  unique.some((one) => Array.isArray(one) || (fields[String(one)] ?? null) !== null)

/** Undefined for a default value. */
function renderValue(
  entity: Entity,
  field: string,
  type: z.ZodType,
  entry: Entry,
  { request, all }: EntryContext,
): unknown {
  if (field in entity.refersTo) return referenceName(entity, field, entry, { request, all })
  const target = entity.refersToMany?.[field]
  if (target !== undefined) return renderLinks(target, field, entry, { request, all })
  const value = entry.fields[field]
  if (field === 'tags') {
    const tags = withoutSelectTags(value, request.selectTags)
    return tags.length === 0 ? undefined : tags
  }
  return isNonDefault(value, type) ? withoutNulls(value) : undefined
}

/** The names of the entities that a list refers to, or their ids, with what else its elements have. */
function renderLinks(
  target: EntityName,
  field: string,
  { fields }: Entry,
  { request, all }: Pick<EntryContext, 'request' | 'all'>,
): unknown {
  const links = (fields[field] ?? []) as readonly { readonly id: string }[]
  if (links.length === 0) return undefined
  return links.map(({ id, ...rest }) => {
    const found = all.get(target)?.get(id)
    const name = found && request.reader.mayRead(target, found) ? labelOf(found) : undefined
    return { ...(name === undefined ? { id } : { name }), ...rest }
  })
}

function isNonDefault(value: unknown, type: z.ZodType): boolean {
  if (value === null || value === undefined) return false
  return defaultText(type) !== canonicalText(value)
}

/** Undefined for a type without a default. */
const defaultText = memoizeByKey((type: z.ZodType): string | undefined => {
  const { success, data } = type.safeParse(undefined)
  return success ? canonicalText(data ?? null) : undefined
})

function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value
  const members = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(members.map(([name, inner]) => [name, withoutNulls(inner)]))
}

const withoutSelectTags = (tags: unknown, selected: readonly string[]): readonly string[] =>
  ((tags ?? []) as readonly string[]).filter((tag) => !selected.includes(tag))

function referenceName(
  entity: Entity,
  field: string,
  entry: Entry,
  { request: { reader }, all }: Pick<EntryContext, 'request' | 'all'>,
): string | undefined {
  const id = referenceIn(entry, field)
  if (id === undefined) return undefined
  const kind = entity.refersTo[field]
  const target = kind && all.get(kind)?.get(id)
  return (kind && target && reader.mayRead(kind, target) ? labelOf(target) : undefined) ?? id
}
