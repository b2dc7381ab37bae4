/** One field that is not as it was. */
export type FieldDifference = {
  readonly field: string
  readonly before: string | undefined
  readonly after: string | undefined
}

/** One thing that a change touched. */
export type ThingDifference = {
  readonly id: string
  readonly entity: string
  readonly name: string
  readonly did: 'created' | 'updated' | 'deleted'
  readonly fields: readonly FieldDifference[]
}

type Side = Readonly<Record<string, unknown>>

/** What a record's change did to each thing, field by field; fields that are unset on both sides are left out. */
export function differencesOf(
  before: readonly unknown[],
  after: readonly unknown[],
): readonly ThingDifference[] {
  const was = byId(before)
  const is = byId(after)
  return [...new Set([...was.keys(), ...is.keys()])].map((id) => {
    const [old, young] = [was.get(id), is.get(id)]
    const side = young ?? old ?? {}
    return {
      id,
      entity: String(side['entity']),
      name: nameOf(side) ?? id,
      did: old === undefined ? 'created' : young === undefined ? 'deleted' : 'updated',
      fields: fieldsOf(old ?? {}, young ?? {}),
    }
  })
}

const nameOf = (side: Side): string | undefined =>
  ['name', 'username', 'target'].map((field) => written(side[field])).find(Boolean)

const byId = (sides: readonly unknown[]): ReadonlyMap<string, Side> =>
  new Map((sides as readonly Side[]).map((side) => [String(side['id']), side]))

const outside: ReadonlySet<string> = new Set(['entity', 'id', 'workspace'])

function fieldsOf(old: Side, young: Side): readonly FieldDifference[] {
  return [...new Set([...Object.keys(old), ...Object.keys(young)])]
    .filter((field) => !outside.has(field))
    .map((field) => ({ field, before: written(old[field]), after: written(young[field]) }))
    .filter(({ before, after }) => before !== after)
}

const written = (value: unknown): string | undefined =>
  value === undefined || value === null
    ? undefined
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)
