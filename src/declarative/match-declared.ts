import type { z } from 'zod'
import { uniqueKeys } from '../control/check-unique.ts'
import type { Draft, KeyOf } from '../control/draft.ts'
import type { Operation } from '../entities/operation.ts'
import { isRecord } from '../lib/is-record.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { Problem } from '../lib/problem.ts'
import { entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import type { Declared } from './flatten-document.ts'
import { invalid } from './read-document.ts'

/** A declared entity with the operation that makes it so; `at` is its id, kept or new. */
export type Matched = { readonly declared: Declared; readonly operation: Operation }

type Matching = { readonly draft: Draft; readonly workspace: string }

/**
 * Finds for each declared entity the one that it is: by its id, else by what may exist once only, else by what tells
 * entities without a name apart. What is found nowhere gets a new id. References become ids.
 */
export function matchDeclared(
  declared: readonly Declared[],
  { draft, workspace, isHashed }: Matching & { readonly isHashed: boolean },
): readonly Matched[] {
  const isHashedIn = ({ acceptsHashes }: Entity): boolean => isHashed && acceptsHashes !== undefined
  const ids = new Map<Declared, string>()
  const taken = new Map<string, string>()
  const names = new Map<string, string>()
  const refuseTwins = openTwins()
  const unnamed = openUnnamed(draft, workspace)
  return declared.map((one) => {
    const { entity, where } = one
    const home = entity.inWorkspace ? workspace : null
    const body = resolve(one, { ids, names, draft, workspace })
    const pseudo: Entry = {
      id: '',
      workspace: home,
      createdAt: 0,
      updatedAt: 0,
      fields: normalized(entity, body),
    }
    refuseTwins(one, pseudo)
    const given = body['id']
    const found = typeof given === 'string' ? given.toLowerCase() : undefined
    const id = found ?? findByKeys(draft, entity, pseudo) ?? unnamed(entity, pseudo, taken)
    const own = id ?? uuidv4()
    const other = taken.get(own)
    if (other !== undefined) throw twins(where, other)
    taken.set(own, where)
    ids.set(one, own)
    const name = entity.key === undefined ? undefined : pseudo.fields[entity.key]
    if (typeof name === 'string') names.set(`${entity.name} ${name}`, own)
    const known = draft.find(entity.name, own)
    const { id: _id, created_at: _made, updated_at: _changed, ...fields } = body
    return {
      declared: one,
      operation: {
        kind: 'replace',
        entity: entity.name,
        workspace: home,
        at: own,
        isById: true,
        body: fields,
        ...(isKept(entity, fields, known) || isHashedIn(entity) ? { isHashed: true } : {}),
      },
    }
  })
}

const twins = (where: string, other: string): Problem =>
  invalid(`${where}: this is the same as ${other}`)

/** Refuses what may exist once only and is declared twice. */
function openTwins(): (declared: Declared, pseudo: Entry) => void {
  const seen = new Map<KeyOf, Map<string, string>>()
  return ({ entity, where }, pseudo) => {
    for (const { keyOf } of uniqueKeys.get(entity.name) ?? []) {
      const known = seen.get(keyOf) ?? new Map<string, string>()
      seen.set(keyOf, known)
      const key = keyOf(pseudo)
      const other = key === undefined ? undefined : known.get(key)
      if (other !== undefined) throw twins(where, other)
      if (key !== undefined) known.set(key, where)
    }
  }
}

/** A password given as it is kept, such as the hash from a dump, is not hashed anew. */
function isKept(
  { secret }: Entity,
  fields: Readonly<Record<string, unknown>>,
  known: Entry | undefined,
): boolean {
  const given = secret.filter((field) => (fields[field] ?? null) !== null)
  if (known === undefined || given.length === 0) return false
  return given.every((field) => fields[field] === known.fields[field])
}

function findByKeys(draft: Draft, entity: Entity, pseudo: Entry): string | undefined {
  for (const { keyOf, fields } of uniqueKeys.get(entity.name) ?? []) {
    const isGiven = fields.some((field) => (pseudo.fields[field] ?? null) !== null)
    const key = isGiven ? keyOf(pseudo) : undefined
    const sharing = key === undefined ? [] : draft.sharing(entity.name, keyOf, key)
    // What exists once in all workspaces may be another one's, and then it is refused as taken.
    const found = sharing.find((entry) => entry.workspace === pseudo.workspace)
    if (found !== undefined) return found.id
  }
  return undefined
}

function openUnnamed(draft: Draft, workspace: string) {
  const known = new Map<string, Map<string, Entry[]>>()
  const naturalKeyOf = ({ naturalKey = [] }: Entity, { fields }: Entry): string =>
    JSON.stringify(naturalKey.map((field) => fields[field] ?? null))
  return (entity: Entity, pseudo: Entry, taken: ReadonlyMap<string, string>) => {
    const isNamed = entity.key !== undefined && (pseudo.fields[entity.key] ?? null) !== null
    if (entity.naturalKey === undefined || isNamed) return undefined
    const index =
      known.get(entity.name) ??
      Map.groupBy(
        draft
          .all(entity.name)
          .filter(
            (entry) =>
              (!entity.inWorkspace || entry.workspace === workspace) &&
              (entity.key === undefined || (entry.fields[entity.key] ?? null) === null),
          ),
        (entry) => naturalKeyOf(entity, entry),
      )
    known.set(entity.name, index)
    return index.get(naturalKeyOf(entity, pseudo))?.find(({ id }) => !taken.has(id))?.id
  }
}

/** Fields as they will be kept where that can be told from each alone: ports put in, letters made small. */
function normalized(
  entity: Entity,
  body: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const shape = entity.fields.shape as Record<string, z.ZodType>
  const wanted = new Set([
    ...entity.unique.flat(),
    ...(entity.naturalKey ?? []),
    ...(entity.key === undefined ? [] : [entity.key]),
  ])
  return Object.fromEntries(
    [...wanted].flatMap((field) => {
      const type = shape[field]
      if (type === undefined) return []
      const parsed = field in entity.refersTo ? undefined : type.safeParse(body[field])
      return [[field, parsed?.success === true ? (parsed.data ?? null) : (body[field] ?? null)]]
    }),
  )
}

type Resolving = Matching & {
  readonly ids: ReadonlyMap<Declared, string>
  readonly names: ReadonlyMap<string, string>
}

/** The body with its references as ids: names are those of the document first, then those that are there. */
function resolve(
  { entity, body, parent, where }: Declared,
  { ids, names, draft, workspace }: Resolving,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = { ...body }
  if (parent !== undefined) resolved[parent.field] = { id: ids.get(parent.declared) ?? '' }
  for (const [field, target] of Object.entries(entity.refersTo)) {
    const name = nameIn(resolved[field])
    if (name === undefined) continue
    const known = uuidPattern.test(name) ? name.toLowerCase() : names.get(`${target} ${name}`)
    const id = known ?? existing(draft, workspace, target, name)
    if (id === undefined) throw invalid(`${where}.${field}: there is no ${target} '${name}'`)
    resolved[field] = { id }
  }
  return resolved
}

function nameIn(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value
  if (!isRecord(value)) return undefined
  const name = value['id'] ?? value['name'] ?? value['username'] ?? Object.values(value)[0]
  return typeof name === 'string' ? name : undefined
}

function existing(
  draft: Draft,
  workspace: string,
  target: EntityName,
  name: string,
): string | undefined {
  const { key, inWorkspace }: Entity = entityNamed(target)
  if (key === undefined) return undefined
  const pseudo = {
    id: '',
    workspace: inWorkspace ? workspace : null,
    createdAt: 0,
    updatedAt: 0,
    fields: { [key]: name },
  }
  const unique = (uniqueKeys.get(target) ?? []).find(
    ({ fields }) => fields.length === 1 && fields[0] === key,
  )
  const text = unique?.keyOf(pseudo)
  if (unique === undefined || text === undefined) return undefined
  return draft.sharing(target, unique.keyOf, text)[0]?.id
}
