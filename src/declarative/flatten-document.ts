import type { CooperativeTask } from '../lib/cooperative-task.ts'
import { isRecord } from '../lib/is-record.ts'
import type { Entity } from '../entities/entities.ts'
import {
  declaredEntities,
  findDeclaredEntity,
  parentField,
  findJoin,
  listName,
  type DocumentPart,
} from './declared-entities.ts'
import { invalid, type DeclarativeDocument } from './read-document.ts'

export type Declared = {
  readonly entity: Entity
  /** Its declared fields, with the defaults and tags of the document. */
  readonly body: Readonly<Record<string, unknown>>
  /** Its position in the document, for example `services[2].routes[0]`. */
  readonly where: string
  /** The entity it is nested under, and the field that refers to it. */
  readonly parent?: { readonly declared: Declared; readonly field: string }
}

/** Entities of one document. */
const maxEntities = 200_000

/** Bounds of one entity, as of a body: checking its fields cannot be suspended. */
const entityLimits = { values: 10_000, characters: 1024 * 1024 }

/** Lists every entity of a document after those it refers to; throws for unknown lists and beyond the limits. */
export function* flattenDocument(
  document: DeclarativeDocument,
  part: DocumentPart = 'gateway',
): CooperativeTask<readonly Declared[]> {
  const found = new Map<string, Declared[]>(declaredEntities(part).map(({ name }) => [name, []]))
  let count = 0
  for (const [name, list] of Object.entries(document.lists)) {
    const entity = findDeclaredEntity(name, part)
    if (entity === undefined) throw invalid(`${name}: ${unknownList(name, part)}`)
    const declared = visitList(
      { document, part },
      { list, read: (item) => item, entity, where: name, parent: undefined },
    )
    for (const one of declared) {
      found.get(one.entity.name)?.push(one)
      count += 1
      if (count > maxEntities) throw invalid(`a document has at most ${maxEntities} entities`)
      yield
    }
  }
  return [...found.values()].flat()
}

const unknownList = (name: string, part: DocumentPart): string =>
  part === 'gateway' && name === 'rbac_roles'
    ? 'roles are synced separately, as in decK with --rbac-resources-only'
    : 'unknown field'

type FlattenContext = { readonly document: DeclarativeDocument; readonly part: DocumentPart }

type NestedList = {
  readonly list: readonly unknown[]
  readonly entity: Entity
  readonly read: (item: unknown) => unknown
  readonly where: string
  readonly parent: Declared['parent']
}

function* visitList(
  context: FlattenContext,
  { list, read, entity, where, parent }: NestedList,
): Iterable<Declared> {
  for (const [index, item] of list.entries()) {
    yield* visit(context, { item: read(item), entity, where: `${where}[${index}]`, parent })
  }
}

function* visit(
  context: FlattenContext,
  { item, entity, where, parent }: Omit<NestedList, 'list' | 'read'> & { readonly item: unknown },
): Iterable<Declared> {
  const { document, part } = context
  const body = readBody(item, entity, where)
  const own: Record<string, unknown> = {}
  const nested: NestedList[] = []
  const declared: Declared = {
    entity,
    body: own,
    where,
    ...(parent === undefined ? {} : { parent }),
  }
  for (const [field, value] of Object.entries(body)) {
    const child = field in entity.fields.shape ? undefined : findChild(entity, field, part)
    if (child === undefined) own[field] = value
    else if (Array.isArray(value)) {
      const under = { declared, field: parentField(child.entity, entity) }
      nested.push({ ...child, list: value, where: `${where}.${field}`, parent: under })
    } else if (value !== null) throw invalid(`${where}.${field}: expected an array`)
  }
  applyDefaults(own, entity, document)
  checkSize(own, where)
  yield declared
  for (const one of nested) yield* visitList(context, one)
}

function checkSize(body: unknown, where: string): void {
  let { values, characters } = entityLimits
  const visitValue = (value: unknown): void => {
    values -= 1
    if (typeof value === 'string') characters -= value.length
    if (values < 0) throw invalid(`${where}: an entity has at most ${entityLimits.values} values`)
    if (characters < 0)
      throw invalid(`${where}: an entity has at most ${entityLimits.characters} characters`)
    if (typeof value !== 'object' || value === null) return
    for (const [name, inner] of Object.entries(value)) {
      characters -= name.length
      visitValue(inner)
    }
  }
  visitValue(body)
}

/** A list element can be the name alone. */
function readBody(item: unknown, entity: Entity, where: string): Record<string, unknown> {
  if (isRecord(item)) return item
  if (typeof item === 'string' && entity.key !== undefined) return { [entity.key]: item }
  throw invalid(`${where}: expected a record`)
}

type Child = Pick<NestedList, 'entity' | 'read'>

/** Finds the kind of a nested list. Both sides of a join list it under the name of the other side. */
function findChild(entity: Entity, name: string, part: DocumentPart): Child | undefined {
  const join = findJoin(entity, name, part)
  if (join !== undefined) return { entity: join.entity, read: (item) => ({ [join.other]: item }) }
  const child = findDeclaredEntity(name, part, entity)
  return child && { entity: child, read: (item) => item }
}

/** Applies the defaults, tags and shared plugin settings of the document. */
function applyDefaults(
  body: Record<string, unknown>,
  entity: Entity,
  { defaults, selectTags, pluginConfigs }: DeclarativeDocument,
): void {
  if (entity.document?.sharesConfig === true) mergeSharedConfig(body, pluginConfigs)
  const kindDefaults = defaults[entity.name] ?? defaults[listName(entity)] ?? {}
  for (const [field, value] of Object.entries(kindDefaults)) body[field] ??= value
  if (selectTags.length > 0 && 'tags' in entity.fields.shape) {
    const tags = Array.isArray(body['tags']) ? (body['tags'] as unknown[]) : []
    body['tags'] = [...new Set([...tags, ...selectTags])]
  }
}

function mergeSharedConfig(
  body: Record<string, unknown>,
  configs: DeclarativeDocument['pluginConfigs'],
): void {
  const { _config: shared, config: own } = body
  if (typeof shared !== 'string') return
  const config = configs[shared]
  if (config === undefined) throw invalid(`_plugin_configs: no entry '${shared}'`)
  body['config'] = { ...config, ...(isRecord(own) ? own : {}) }
  delete body['_config']
}
