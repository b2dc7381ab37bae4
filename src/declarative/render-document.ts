import type { z } from 'zod'
import { isRecord } from '../lib/is-record.ts'
import { canonicalText } from '../lib/canonical-text.ts'
import { entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { labelOf, referenceIn, type Entries, type Entry } from '../entities/entry.ts'
import {
  declaredEntities,
  fieldUnder,
  nameInDocument,
  type DocumentPart,
} from './declared-entities.ts'
import { entriesInScope } from './plan-document.ts'
import { formatVersion } from './read-document.ts'

/** Which part of a configuration is to be written as a document. */
export type DumpRequest = {
  readonly part: DocumentPart
  /** Name and id. */
  readonly workspace: { readonly id: string; readonly name: string }
  readonly selectTags: readonly string[]
  readonly ownsShared: boolean
  /** Write ids of entities that have a name too. */
  readonly withIds: boolean
  readonly isKnown: (entity: EntityName, entry: Entry) => boolean
  /** Whether the secrets of an entry are written. */
  readonly canReadSecrets: (entity: EntityName, entry: Entry) => boolean
}

type Rendered = Record<string, unknown>

/** A workspace as a document in decK's format, everything under what it belongs to and nothing said that is so anyway. */
export function renderDocument(all: Entries, request: DumpRequest): Rendered {
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
  const found = entriesInScope(all, scope)
  const hashed = hashedIn(found)
  for (const { entity: name, entry } of inOrder(found)) {
    const entity = kinds.get(name) as Entity
    const home = homeOf(entity, entry, { kinds, rendered, all })
    const body = bodyOf(entity, entry, { request, all, under: home?.field, hashed })
    rendered.set(entry.id, body)
    const place = home?.place ?? top
    const list = home?.list ?? nameInDocument(entity)
    place[list] = [...((place[list] as unknown[] | undefined) ?? []), body]
  }
  return {
    _format_version: formatVersion,
    ...(workspace.name === 'default' ? {} : { _workspace: workspace.name }),
    ...aboutOf(selectTags, hashed.size > 0),
    ...top,
  }
}

/** Consumers whose passwords are stored as hashes of which their ids are a part. */
const hashedIn = (found: Found): ReadonlySet<string> =>
  new Set(
    found.flatMap(({ entity, entry }) => {
      const { acceptsHashes }: Entity = entityNamed(entity)
      return (acceptsHashes && referenceIn(entry, acceptsHashes.saltedBy)) ?? []
    }),
  )

function aboutOf(selectTags: readonly string[], hasHashes: boolean): Rendered {
  if (selectTags.length === 0 && !hasHashes) return {}
  return {
    _info: {
      ...(selectTags.length === 0 ? {} : { select_tags: [...selectTags] }),
      ...(hasHashes ? { skip_hash_for_basic_auth: true } : {}),
    },
  }
}

type Found = readonly { readonly entity: EntityName; readonly entry: Entry }[]

/** Parents before children; of one kind by name, so that two dumps of the same are the same text. */
function inOrder(found: Found): Found {
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

type World = {
  readonly kinds: ReadonlyMap<EntityName, Entity>
  readonly rendered: ReadonlyMap<string, Rendered>
  readonly all: Entries
}

/** Where an entry stands: under the one entity that it refers to, when that is in the document too; a join under its first side. */
function homeOf(entity: Entity, entry: Entry, { kinds, rendered }: World) {
  const candidates = Object.entries(entity.refersTo).flatMap(([field, target]) => {
    const id = referenceIn(entry, field)
    const parent = kinds.get(target)
    return id === undefined || parent === undefined ? [] : [{ field, id, parent }]
  })
  const [joined, list = nameInDocument(entity)] = writtenJoin(entity)
  const [only] =
    joined === undefined ? candidates : candidates.filter(({ field }) => field === joined)
  const isOne = candidates.length === 1 || joined !== undefined
  const place = only === undefined || !isOne ? undefined : rendered.get(only.id)
  if (only === undefined || place === undefined || !nests(entity, only.field)) return undefined
  return { place, list, field: fieldUnder(entity, only.parent) }
}

/** What only mentions another entity stays at the top: a service that shows a certificate is not a part of it. */
const nests = ({ belongsTo, cascades = [], document }: Entity, field: string): boolean =>
  field === belongsTo || cascades.includes(field) || document?.nestsUnder?.includes(field) === true

/** Of a join the reference under whose entity it is written, and the name of the list there; then the other reference. */
function writtenJoin({
  document,
}: Entity): readonly [field?: string, list?: string, other?: string] {
  const [first, second] = Object.entries(document?.joins ?? {})
  return first === undefined || second === undefined ? [] : [...first, second[0]]
}

type Writing = {
  readonly request: DumpRequest
  readonly all: Entries
  /** The field that says where it stands, which is not written. */
  readonly under: string | undefined
  readonly hashed: ReadonlySet<string>
}

function bodyOf(entity: Entity, entry: Entry, writing: Writing): Rendered {
  const { request, all, under } = writing
  const [joined, , other] = writtenJoin(entity)
  if (other !== undefined && under === joined) {
    return { name: nameOfReference(entity, other, [entry, all]) }
  }
  const hasSecrets = request.canReadSecrets(entity.name, entry)
  const isHidden = (field: string): boolean =>
    field === under || (entity.secret.includes(field) && !hasSecrets)
  const fields = Object.entries(entity.fields.shape as Record<string, z.ZodType>)
  const said = fields.flatMap(([field, type]) => {
    const value = isHidden(field) ? undefined : valueOf(entity, [field, type], [entry, writing])
    return value === undefined ? [] : [[field, value] as const]
  })
  const tellsId =
    writing.hashed.has(entry.id) ||
    request.withIds ||
    !isNamed(entity, entry) ||
    entity.document?.withId === true
  return { ...(tellsId ? { id: entry.id } : {}), ...Object.fromEntries(said) }
}

/** Several fields together always tell entities apart, a single one only where it is set. */
const isNamed = ({ unique }: Entity, { fields }: Entry): boolean =>
  unique.some((one) => Array.isArray(one) || (fields[String(one)] ?? null) !== null)

/** What is written for a field; nothing for what would be so anyway. */
function valueOf(
  entity: Entity,
  [field, type]: readonly [string, z.ZodType],
  [entry, { request, all }]: readonly [Entry, Writing],
): unknown {
  if (field in entity.refersTo) return nameOfReference(entity, field, [entry, all])
  const value = entry.fields[field]
  if (field === 'tags') {
    const tags = tagsBeyond(value, request.selectTags)
    return tags.length === 0 ? undefined : tags
  }
  return isSaid(value, type) ? withoutNulls(value) : undefined
}

/** Values that would be so without being written are left out. */
function isSaid(value: unknown, type: z.ZodType): boolean {
  if (value === null || value === undefined) return false
  const usual = type.safeParse(undefined)
  return !usual.success || canonicalText(usual.data ?? null) !== canonicalText(value)
}

function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value
  const kept = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)]))
}

const tagsBeyond = (tags: unknown, selected: readonly string[]): readonly string[] =>
  ((tags ?? []) as readonly string[]).filter((tag) => !selected.includes(tag))

function nameOfReference(
  entity: Entity,
  field: string,
  [entry, all]: readonly [Entry, Entries],
): string | undefined {
  const id = referenceIn(entry, field)
  if (id === undefined) return undefined
  const kind = entity.refersTo[field]
  const target = kind && all.get(kind)?.get(id)
  return (target && labelOf(target)) ?? id
}
