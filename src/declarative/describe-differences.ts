import type { z } from 'zod'
import type { Touched } from '../control/draft.ts'
import type { Reference } from '../entities/declaration.ts'
import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { isRecord } from '../lib/is-record.ts'
import { nameOf } from '../control/redact.ts'
import { canonicalText } from '../lib/canonical-text.ts'
import type {
  ChangeCounts,
  ConfigDifference,
  EntityDifference,
  FieldDifference,
} from '../schema/config-difference.ts'
import { referenceIn, type Entries, type Entry } from '../entities/entry.ts'

/** What is different, entity by entity and field by field, in words for people; secrets are not told. `worlds` are where names of what is referred to are looked up, first that after. */
export function describeDifferences(
  touched: readonly Touched[],
  worlds: readonly Entries[],
): ConfigDifference {
  const order = new Map<string, number>(entities.map(({ name }, index) => [name, index]))
  const rank = ({ kind, entity }: EntityDifference): number =>
    kind === 'delete' ? 1000 - (order.get(entity) ?? 0) : (order.get(entity) ?? 0)
  const items = touched
    .flatMap((one) => describeOne(one, worlds) ?? [])
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
  return { counts: countItems(items), items }
}

/** How many items make, change and remove. */
export function countItems(items: readonly EntityDifference[]): ChangeCounts {
  const count = (wanted: EntityDifference['kind']): number =>
    items.filter(({ kind }) => kind === wanted).length
  return { created: count('create'), updated: count('update'), deleted: count('delete') }
}

function describeOne(
  { entity: name, id, before, after }: Touched,
  worlds: readonly Entries[],
): EntityDifference | undefined {
  const entity = entityNamed(name)
  const entry = after ?? before
  if (entry === undefined) return undefined
  const fields = fieldsOf(entity, [before, after], worlds)
  if (before !== undefined && after !== undefined && fields.length === 0) return undefined
  return {
    kind: before === undefined ? 'create' : after === undefined ? 'delete' : 'update',
    entity: name,
    id,
    name: nameOf(entity, entry),
    under: underOf(entity, entry, worlds),
    workspace: entry.workspace,
    fields: after === undefined ? [] : fields,
  }
}

/** `consumer alice` for a credential; of a plugin all that it was put on. */
function underOf(entity: Entity, entry: Entry, worlds: readonly Entries[]): string {
  const fields = entity.belongsTo === undefined ? (entity.cascades ?? []) : [entity.belongsTo]
  return fields
    .flatMap((field) => {
      const id = referenceIn(entry, field)
      const target = entity.refersTo[field]
      if (id === undefined || target === undefined) return []
      return [`${target} ${nameFor(target, id, worlds)}`]
    })
    .join(', ')
}

function nameFor(target: EntityName, id: string, worlds: readonly Entries[]): string {
  for (const world of worlds) {
    const entry = world.get(target)?.get(id)
    if (entry !== undefined) return nameOf(entityNamed(target), entry)
  }
  return id
}

type Sides = readonly [Entry | undefined, Entry | undefined]

function fieldsOf(
  entity: Entity,
  [before, after]: Sides,
  worlds: readonly Entries[],
): FieldDifference[] {
  const usual = before === undefined ? defaultsOf(entity) : undefined
  return Object.keys(entity.fields.shape).flatMap((field) => {
    const was = (before === undefined ? usual?.[field] : before.fields[field]) ?? null
    const is = after?.fields[field] ?? null
    if (canonicalText(was) === canonicalText(is)) return []
    if (entity.secret.includes(field)) return [{ path: field, secret: true }]
    const target = entity.refersTo[field]
    if (target === undefined) return differencesIn(field, was, is)
    const named = (value: unknown): unknown =>
      value === null ? null : nameFor(target, (value as Reference).id, worlds)
    return [{ path: field, ...sides(named(was), named(is)) }]
  })
}

/** What fields are when nobody says anything: of a new entity only the rest is worth reading. */
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
