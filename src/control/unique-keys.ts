import { entities, type Entity } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'

/** A unique constraint; two entries violate it when `keyOf` gives the same text for both. */
export type UniqueKey = {
  readonly fields: readonly string[]
  readonly keyOf: (entry: Entry) => string | undefined
}

/** Entity name → its unique constraints. */
export const uniqueKeys: ReadonlyMap<string, readonly UniqueKey[]> = new Map(
  entities.map((entity) => [entity.name, entity.unique.map((unique) => uniqueKey(entity, unique))]),
)

function uniqueKey(entity: Entity, unique: string | readonly string[]): UniqueKey {
  const fields = [unique].flat()
  const [only = ''] = fields
  return {
    fields,
    keyOf(entry) {
      // In a group of fields null equals null; a single field that is null is not compared.
      if (fields.length === 1 && (entry.fields[only] ?? null) === null) return undefined
      const home = entity.uniqueEverywhere === true ? null : entry.workspace
      return JSON.stringify([home, ...fields.map((field) => comparable(entry.fields[field]))])
    },
  }
}

function comparable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null
  return (value as { id?: string }).id ?? JSON.stringify(value)
}
