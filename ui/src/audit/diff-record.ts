import type { EntityDifference, FieldDifference } from '../../../src/schema/config-difference.ts'

type EntityState = Readonly<Record<string, unknown>>

/** The changes of a record by entity and field; fields that are unset on both states are omitted. */
export function diffRecord(
  before: readonly unknown[],
  after: readonly unknown[],
): readonly EntityDifference[] {
  const previousById = byId(before)
  const currentById = byId(after)
  return [...new Set([...previousById.keys(), ...currentById.keys()])].map((id) => {
    const [previous, current] = [previousById.get(id), currentById.get(id)]
    const state = current ?? previous ?? {}
    return {
      kind: previous === undefined ? 'create' : current === undefined ? 'delete' : 'update',
      entity: String(state['entity']),
      id,
      name: nameOf(state) ?? id,
      under: '',
      workspace: valueText(state['workspace']) ?? null,
      fields: describeFields(previous ?? {}, current ?? {}),
    }
  })
}

const nameOf = (state: EntityState): string | undefined =>
  ['name', 'username', 'target'].map((field) => valueText(state[field])).find(Boolean)

const byId = (states: readonly unknown[]): ReadonlyMap<string, EntityState> =>
  new Map((states as readonly EntityState[]).map((state) => [String(state['id']), state]))

const identityFields: ReadonlySet<string> = new Set(['entity', 'id', 'workspace'])

function describeFields(previous: EntityState, current: EntityState): readonly FieldDifference[] {
  return [...new Set([...Object.keys(previous), ...Object.keys(current)])]
    .filter((field) => !identityFields.has(field))
    .map((path) => ({ path, before: valueText(previous[path]), after: valueText(current[path]) }))
    .filter(({ before, after }) => before !== after)
}

const valueText = (value: unknown): string | undefined =>
  value === undefined || value === null
    ? undefined
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)
