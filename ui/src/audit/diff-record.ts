import type { EntityDifference, FieldDifference } from '../../../src/schema/config-difference.ts'

type Side = Readonly<Record<string, unknown>>

/** What a record's change did to each thing, field by field; fields that are unset on both sides are left out. */
export function diffRecord(
  before: readonly unknown[],
  after: readonly unknown[],
): readonly EntityDifference[] {
  const was = byId(before)
  const is = byId(after)
  return [...new Set([...was.keys(), ...is.keys()])].map((id) => {
    const [old, young] = [was.get(id), is.get(id)]
    const side = young ?? old ?? {}
    return {
      kind: old === undefined ? 'create' : young === undefined ? 'delete' : 'update',
      entity: String(side['entity']),
      id,
      name: nameOf(side) ?? id,
      under: '',
      workspace: written(side['workspace']) ?? null,
      fields: describeFields(old ?? {}, young ?? {}),
    }
  })
}

const nameOf = (side: Side): string | undefined =>
  ['name', 'username', 'target'].map((field) => written(side[field])).find(Boolean)

const byId = (sides: readonly unknown[]): ReadonlyMap<string, Side> =>
  new Map((sides as readonly Side[]).map((side) => [String(side['id']), side]))

const outside: ReadonlySet<string> = new Set(['entity', 'id', 'workspace'])

function describeFields(old: Side, young: Side): readonly FieldDifference[] {
  return [...new Set([...Object.keys(old), ...Object.keys(young)])]
    .filter((field) => !outside.has(field))
    .map((path) => ({ path, before: written(old[path]), after: written(young[path]) }))
    .filter(({ before, after }) => before !== after)
}

const written = (value: unknown): string | undefined =>
  value === undefined || value === null
    ? undefined
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)
