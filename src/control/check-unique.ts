import { entities, type Entity } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import type { Draft, KeyOf } from './draft.ts'
import { notUnique } from '../entities/kong-problem.ts'
import { redacted } from './redact.ts'

/** Throws when another entry has the same value in a unique field. */
export function checkUnique(entity: Entity, entry: Entry, draft: Draft): void {
  for (const { fields, keyOf } of uniqueKeys.get(entity.name) ?? []) {
    const key = keyOf(entry)
    if (key === undefined) continue
    if (draft.sharing(entity.name, keyOf, key).every(({ id }) => id === entry.id)) continue
    const values = fields.map((field) => [field, entry.fields[field] ?? null] as const)
    throw notUnique(redacted(entity, Object.fromEntries(values)))
  }
}

/** A unique constraint; two entries violate it when `keyOf` gives the same text for both. */
export type UniqueKey = { readonly fields: readonly string[]; readonly keyOf: KeyOf }

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
