import type { z } from 'zod'
import { entriesSharing } from '../control/configuration-view.ts'
import type { Reader } from '../control/reader.ts'
import type { Draft } from '../control/draft.ts'
import { uniqueKeys, type UniqueKey } from '../control/unique-keys.ts'
import type { Operation } from '../entities/operation.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import { isRecord } from '../lib/is-record.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { Problem } from '../lib/problem.ts'
import { entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import type { Declared } from './flatten-document.ts'
import { invalid } from './read-document.ts'

/** `operation.at` is the id of the existing entity, or a new one. */
export type Matched = { readonly declared: Declared; readonly operation: Operation }

type MatchContext = {
  readonly draft: Draft
  readonly workspace: string
  /** Matches only entities that are readable; another one is reported as a conflict. */
  readonly reader: Pick<Reader, 'mayRead'>
}

/**
 * Matches each declared entity with an existing one: by id, otherwise by a unique key, otherwise by the natural key of an
 * entity without a name. An entity without a match gets a new id. References become ids.
 */
export function* matchDeclared(
  declared: readonly Declared[],
  context: MatchContext & { readonly isHashed: boolean },
): CooperativeTask<readonly Matched[]> {
  const { draft, workspace, isHashed } = context
  const matched: Matched[] = []
  const hasHashedSecrets = ({ acceptsHashes }: Entity): boolean =>
    isHashed && acceptsHashes !== undefined
  const ids = new Map<Declared, string>()
  const matchedIds = new Map<string, string>()
  const names = new Map<string, string>()
  const rejectDuplicate = openDuplicateCheck()
  const findByNaturalKey = openNaturalKeyIndex(context)
  for (const one of declared) {
    yield
    const { entity, where } = one
    const entityWorkspace = entity.inWorkspace ? workspace : null
    const body = resolveReferences(one, { ...context, ids, names })
    const candidate: Entry = {
      id: '',
      workspace: entityWorkspace,
      createdAt: 0,
      updatedAt: 0,
      fields: normalizeKeys(entity, body),
    }
    rejectDuplicate(one, candidate)
    const id =
      givenId(body) ??
      findByKeys(context, entity, candidate) ??
      findByNaturalKey(entity, candidate, matchedIds)
    const own = id ?? uuidv4()
    const other = matchedIds.get(own)
    if (other !== undefined) throw duplicate(where, other)
    matchedIds.set(own, where)
    ids.set(one, own)
    const name = entity.key === undefined ? undefined : candidate.fields[entity.key]
    if (typeof name === 'string') names.set(`${entity.name} ${name}`, own)
    const known = draft.find(entity.name, own)
    const { id: _id, created_at: _created, updated_at: _updated, ...fields } = body
    matched.push({
      declared: one,
      operation: {
        kind: 'replace',
        entity: entity.name,
        workspace: entityWorkspace,
        at: own,
        isById: true,
        body: fields,
        isDeclared: true,
        ...(isStoredHash(entity, fields, known) || hasHashedSecrets(entity)
          ? { isHashed: true }
          : {}),
      },
    })
  }
  return matched
}

const givenId = ({ id }: Readonly<Record<string, unknown>>): string | undefined =>
  typeof id === 'string' ? id.toLowerCase() : undefined

const duplicate = (where: string, other: string): Problem =>
  invalid(`${where}: duplicate of ${other}`)

/** Throws when a document declares a unique key twice. */
function openDuplicateCheck(): (declared: Declared, candidate: Entry) => void {
  const seen = new Map<UniqueKey, Map<string, string>>()
  return ({ entity, where }, candidate) => {
    for (const unique of uniqueKeys.get(entity.name) ?? []) {
      const known = seen.get(unique) ?? new Map<string, string>()
      seen.set(unique, known)
      const key = unique.keyOf(candidate)
      const other = key === undefined ? undefined : known.get(key)
      if (other !== undefined) throw duplicate(where, other)
      if (key !== undefined) known.set(key, where)
    }
  }
}

/** A secret equal to the stored hash, as in a dump, must not be hashed again. */
function isStoredHash(
  { secret }: Entity,
  fields: Readonly<Record<string, unknown>>,
  known: Entry | undefined,
): boolean {
  const given = secret.filter((field) => (fields[field] ?? null) !== null)
  if (known === undefined || given.length === 0) return false
  return given.every((field) => fields[field] === known.fields[field])
}

function findByKeys(
  { draft, reader }: MatchContext,
  entity: Entity,
  candidate: Entry,
): string | undefined {
  for (const unique of uniqueKeys.get(entity.name) ?? []) {
    const isGiven = unique.fields.some((field) => (candidate.fields[field] ?? null) !== null)
    if (!isGiven) continue
    for (const found of entriesSharing(draft, entity, unique, candidate)) {
      // A globally unique entity of another workspace is not a match; applying the operation then reports the conflict.
      if (found.workspace === candidate.workspace && reader.mayRead(entity.name, found))
        return found.id
    }
  }
  return undefined
}

function openNaturalKeyIndex({ draft, workspace, reader }: MatchContext) {
  const known = new Map<string, Map<string, Entry[]>>()
  const naturalKeyOf = ({ naturalKey = [] }: Entity, { fields }: Entry): string =>
    JSON.stringify(naturalKey.map((field) => fields[field] ?? null))
  return (entity: Entity, candidate: Entry, matchedIds: ReadonlyMap<string, string>) => {
    const isNamed = entity.key !== undefined && (candidate.fields[entity.key] ?? null) !== null
    if (entity.naturalKey === undefined || isNamed) return undefined
    const index =
      known.get(entity.name) ??
      Map.groupBy(
        draft
          .all(entity.name)
          .filter(
            (entry) =>
              (!entity.inWorkspace || entry.workspace === workspace) &&
              (entity.key === undefined || (entry.fields[entity.key] ?? null) === null) &&
              reader.mayRead(entity.name, entry),
          ),
        (entry) => naturalKeyOf(entity, entry),
      )
    known.set(entity.name, index)
    return index.get(naturalKeyOf(entity, candidate))?.find(({ id }) => !matchedIds.has(id))?.id
  }
}

/** Normalizes key fields as the schema stores them, with defaults such as ports and lower case. */
function normalizeKeys(
  entity: Entity,
  body: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const shape = entity.fields.shape as Record<string, z.ZodType>
  const keyFields = new Set([
    ...entity.unique.flat(),
    ...(entity.naturalKey ?? []),
    ...(entity.key === undefined ? [] : [entity.key]),
  ])
  return Object.fromEntries(
    [...keyFields].flatMap((field) => {
      const type = shape[field]
      if (type === undefined) return []
      const parsed = field in entity.refersTo ? undefined : type.safeParse(body[field])
      return [[field, parsed?.success === true ? (parsed.data ?? null) : (body[field] ?? null)]]
    }),
  )
}

type ResolveContext = MatchContext & {
  readonly ids: ReadonlyMap<Declared, string>
  readonly names: ReadonlyMap<string, string>
}

/** Replaces referenced names by ids: first those in the document, then existing ones. */
function resolveReferences(
  { entity, body, parent, where }: Declared,
  { ids, names, ...context }: ResolveContext,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = { ...body }
  if (parent !== undefined) resolved[parent.field] = { id: ids.get(parent.declared) ?? '' }
  for (const [field, target] of Object.entries(entity.refersTo)) {
    const name = referenceName(resolved[field])
    if (name === undefined) continue
    const known = uuidPattern.test(name) ? name.toLowerCase() : names.get(`${target} ${name}`)
    const id = known ?? findByName(context, target, name)
    if (id === undefined) throw invalid(`${where}.${field}: no ${target} '${name}'`)
    resolved[field] = { id }
  }
  for (const [field, target] of Object.entries(entity.refersToMany ?? {})) {
    const list = resolved[field]
    if (!Array.isArray(list)) continue
    resolved[field] = list.map((one: unknown) => {
      const name = referenceName(one)
      const known = names.get(`${target} ${name}`)
      if (!isRecord(one) || typeof one['name'] !== 'string' || known === undefined) return one
      const { name: _name, ...rest } = one
      return { id: known, ...rest }
    })
  }
  return resolved
}

function referenceName(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value
  if (!isRecord(value)) return undefined
  const name = value['id'] ?? value['name'] ?? value['username'] ?? Object.values(value)[0]
  return typeof name === 'string' ? name : undefined
}

function findByName(
  { draft, workspace, reader }: MatchContext,
  target: EntityName,
  name: string,
): string | undefined {
  const entity: Entity = entityNamed(target)
  const { key, inWorkspace } = entity
  if (key === undefined) return undefined
  const unique = (uniqueKeys.get(target) ?? []).find(
    ({ fields }) => fields.length === 1 && fields[0] === key,
  )
  if (unique === undefined) return undefined
  const candidate = { workspace: inWorkspace ? workspace : null, fields: { [key]: name } }
  const [found] = entriesSharing(draft, entity, unique, candidate)
  return found !== undefined && reader.mayRead(target, found) ? found.id : undefined
}
