import { isRecord } from '../lib/is-record.ts'
import type { Entity } from '../entities/entities.ts'
import {
  declaredEntities,
  entityDeclaredAs,
  fieldUnder,
  joinUnder,
  nameInDocument,
  type DocumentPart,
} from './declared-entities.ts'
import { invalid, type DeclarativeDocument } from './read-document.ts'

/** One entity as a document declares it. */
export type Declared = {
  readonly entity: Entity
  /** Its fields as they were written, with defaults and tags of the document put in. */
  readonly body: Readonly<Record<string, unknown>>
  /** Where in the document, for example `services[2].routes[0]`. */
  readonly where: string
  /** The declared entity under which it stands, and the field that refers to it. */
  readonly parent?: { readonly declared: Declared; readonly field: string }
}

/** Every entity of a document, each after those it refers to; refuses names that no kind has. */
export function flattenDocument(
  document: DeclarativeDocument,
  part: DocumentPart = 'gateway',
): readonly Declared[] {
  const found: Declared[] = []
  for (const [name, list] of Object.entries(document.lists)) {
    const entity = entityDeclaredAs(name, part)
    if (entity === undefined) throw invalid(`${name}: ${unknownList(name, part)}`)
    visitList([document, part, found], { list, entity, where: name, parent: undefined })
  }
  const order = new Map(declaredEntities(part).map(({ name }, index) => [name, index]))
  const rank = ({ entity }: Declared): number => order.get(entity.name) ?? 0
  return found.sort((a, b) => rank(a) - rank(b))
}

const unknownList = (name: string, part: DocumentPart): string =>
  part === 'gateway' && name === 'rbac_roles'
    ? 'roles are synced on their own, as decK does with --rbac-resources-only'
    : 'unknown field'

type Walk = readonly [DeclarativeDocument, DocumentPart, Declared[]]

type Place = {
  readonly list: readonly unknown[]
  readonly entity: Entity
  readonly where: string
  readonly parent: Declared['parent']
}

function visitList(walk: Walk, { list, entity, where, parent }: Place): void {
  for (const [index, item] of list.entries()) {
    visit(walk, { item, entity, where: `${where}[${index}]`, parent })
  }
}

function visit(
  walk: Walk,
  { item, entity, where, parent }: Omit<Place, 'list'> & { readonly item: unknown },
): void {
  const [document, part, found] = walk
  const body = bodyIn(item, entity, where)
  const own: Record<string, unknown> = {}
  const nested: Place[] = []
  const declared: Declared = {
    entity,
    body: own,
    where,
    ...(parent === undefined ? {} : { parent }),
  }
  for (const [field, value] of Object.entries(body)) {
    const child = field in entity.fields.shape ? undefined : childIn(entity, field, part)
    if (child === undefined) own[field] = value
    else if (Array.isArray(value)) {
      const under = { declared, field: fieldUnder(child.entity, entity) }
      const list = value.map((inner: unknown) => child.read(inner))
      nested.push({ list, entity: child.entity, where: `${where}.${field}`, parent: under })
    } else if (value !== null) throw invalid(`${where}.${field}: expected an array`)
  }
  complete(own, entity, document)
  found.push(declared)
  for (const place of nested) visitList(walk, place)
}

/** Elements of lists may be the name alone. */
function bodyIn(item: unknown, entity: Entity, where: string): Record<string, unknown> {
  if (isRecord(item)) return item
  if (typeof item === 'string' && entity.key !== undefined) return { [entity.key]: item }
  throw invalid(`${where}: expected a record`)
}

type Child = { readonly entity: Entity; readonly read: (item: unknown) => unknown }

/** What stands under an entity by this name. A join is listed on both sides by the name of the other. */
function childIn(entity: Entity, name: string, part: DocumentPart): Child | undefined {
  const join = joinUnder(entity, name, part)
  if (join !== undefined) return { entity: join.entity, read: (item) => ({ [join.other]: item }) }
  const child = entityDeclaredAs(name, part, entity)
  return child && { entity: child, read: (item) => item }
}

/** Puts in what the document says once for many. */
function complete(
  body: Record<string, unknown>,
  entity: Entity,
  { defaults, selectTags, pluginConfigs }: DeclarativeDocument,
): void {
  if (entity.document?.sharesConfig === true) shareConfig(body, pluginConfigs)
  const usual = defaults[entity.name] ?? defaults[nameInDocument(entity)] ?? {}
  for (const [field, value] of Object.entries(usual)) body[field] ??= value
  if (selectTags.length > 0 && 'tags' in entity.fields.shape) {
    const tags = Array.isArray(body['tags']) ? (body['tags'] as unknown[]) : []
    body['tags'] = [...new Set([...tags, ...selectTags])]
  }
}

function shareConfig(
  body: Record<string, unknown>,
  configs: DeclarativeDocument['pluginConfigs'],
): void {
  const { _config: shared, config: own } = body
  if (typeof shared !== 'string') return
  const config = configs[shared]
  if (config === undefined) throw invalid(`_plugin_configs: there is no '${shared}'`)
  body['config'] = { ...config, ...(isRecord(own) ? own : {}) }
  delete body['_config']
}
