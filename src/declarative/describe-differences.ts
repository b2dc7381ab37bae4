import type { z } from 'zod'
import type { Reference } from '../entities/declaration.ts'
import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import { isRecord } from '../lib/is-record.ts'
import type { Reader } from '../control/reader.ts'
import { canonicalText } from '../lib/canonical-text.ts'
import type {
  ChangeCounts,
  ConfigDifference,
  EntityDifference,
  FieldDifference,
} from '../schema/config-difference.ts'
import { referenceIn, type EntryTables, type Entry, type Touched } from '../entities/entry.ts'

export type DifferenceReader = Pick<Reader, 'mayRead' | 'nameOf'>

/** Lists differences by entity and field for a reader; secret values are omitted. `lookups` find referenced entities, in this order. */
export function* describeDifferences(
  touched: readonly Touched[],
  lookups: readonly EntryTables[],
  reader: DifferenceReader,
): CooperativeTask<ConfigDifference> {
  const order = new Map<string, number>(entities.map(({ name }, index) => [name, index]))
  const rank = ({ kind, entity }: EntityDifference): number =>
    kind === 'delete' ? 1000 - (order.get(entity) ?? 0) : (order.get(entity) ?? 0)
  const items: EntityDifference[] = []
  for (const one of touched) {
    yield
    const item = describeOne(one, { lookups, reader })
    if (item !== undefined) items.push(item)
  }
  items.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
  return { counts: countItems(items), items }
}

export function countItems(items: readonly EntityDifference[]): ChangeCounts {
  const count = (counted: EntityDifference['kind']): number =>
    items.filter(({ kind }) => kind === counted).length
  return { created: count('create'), updated: count('update'), deleted: count('delete') }
}

type NameContext = {
  readonly lookups: readonly EntryTables[]
  readonly reader: DifferenceReader
}

function describeOne(
  { entity: name, id, before, after }: Touched,
  context: NameContext,
): EntityDifference | undefined {
  const entity = entityNamed(name)
  const entry = after ?? before
  if (entry === undefined) return undefined
  const fields = compareFields(entity, [before, after], context)
  if (before !== undefined && after !== undefined && fields.length === 0) return undefined
  const kind = before === undefined ? 'create' : after === undefined ? 'delete' : 'update'
  const { mayRead, nameOf } = context.reader
  const { workspace } = entry
  if (![before, after].every((side) => side === undefined || mayRead(name, side))) {
    return { kind, entity: name, id: '', name: '…', under: '', workspace, fields: [] }
  }
  return {
    kind,
    entity: name,
    id,
    name: nameOf(name, entry),
    under: describeParent(entity, entry, context),
    workspace,
    fields: kind === 'delete' ? [] : fields,
  }
}

/** `consumer alice` for a credential; a plugin lists everything it is attached to. */
function describeParent(entity: Entity, entry: Entry, context: NameContext): string {
  const fields = entity.belongsTo === undefined ? (entity.cascades ?? []) : [entity.belongsTo]
  return fields
    .flatMap((field) => {
      const id = referenceIn(entry, field)
      const target = entity.refersTo[field]
      if (id === undefined || target === undefined) return []
      return [`${target} ${displayName(target, id, context)}`]
    })
    .join(', ')
}

function displayName(target: EntityName, id: string, { lookups, reader }: NameContext): string {
  for (const entries of lookups) {
    const entry = entries.get(target)?.get(id)
    if (entry !== undefined) return reader.nameOf(target, entry)
  }
  return id
}

type Sides = readonly [Entry | undefined, Entry | undefined]

function compareFields(
  entity: Entity,
  [before, after]: Sides,
  context: NameContext,
): FieldDifference[] {
  const defaults = before === undefined ? defaultsOf(entity) : undefined
  return Object.keys(entity.fields.shape).flatMap((field) => {
    const was = (before === undefined ? defaults?.[field] : before.fields[field]) ?? null
    const is = after?.fields[field] ?? null
    if (canonicalText(was) === canonicalText(is)) return []
    if (entity.secret.includes(field)) return [{ path: field, secret: true }]
    const target = entity.refersTo[field]
    if (target === undefined) return differencesIn(field, was, is)
    const named = (value: unknown): unknown =>
      value === null ? null : displayName(target, (value as Reference).id, context)
    return [{ path: field, ...sides(named(was), named(is)) }]
  })
}

/** A new entity shows only fields that differ from their defaults. */
function defaultsOf({ fields }: Entity): Record<string, unknown> {
  const shape = fields.shape as Record<string, z.ZodType>
  return Object.fromEntries(
    Object.entries(shape).map(([field, type]) => [field, type.safeParse(undefined).data ?? null]),
  )
}

function differencesIn(path: string, was: unknown, is: unknown): FieldDifference[] {
  if (canonicalText(was ?? null) === canonicalText(is ?? null)) return []
  if (!isRecord(was) || !isRecord(is)) return [{ path, ...sides(was, is) }]
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])]
  return names.flatMap((name) => differencesIn(`${path}.${name}`, was[name], is[name]))
}

const sides = (before: unknown, after: unknown): { before?: unknown; after?: unknown } => ({
  ...((before ?? null) === null ? {} : { before }),
  ...((after ?? null) === null ? {} : { after }),
})
