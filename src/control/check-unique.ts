import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'
import type { Draft } from './draft.ts'
import { notUnique } from './kong-problem.ts'
import { redacted } from './redact.ts'

/** Refuses an entry that has what another one of its workspace has and may exist once only. */
export function checkUnique(entity: Entity, entry: Entry, draft: Draft): void {
  for (const unique of entity.unique) {
    const fields = [unique].flat()
    if (fields.length === 1 && isUnset(entry, fields[0] ?? '')) continue
    for (const other of draft.all(entity.name)) {
      if (
        other.id !== entry.id &&
        (entity.uniqueEverywhere === true || other.workspace === entry.workspace) &&
        isSame(fields, entry, other)
      ) {
        const values = fields.map((field) => [field, entry.fields[field] ?? null] as const)
        throw notUnique(redacted(entity, Object.fromEntries(values)))
      }
    }
  }
}

const isUnset = (entry: Entry, field: string): boolean => (entry.fields[field] ?? null) === null

const isSame = (fields: readonly string[], a: Entry, b: Entry): boolean =>
  fields.every((field) => comparable(a.fields[field]) === comparable(b.fields[field]))

function comparable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null
  return (value as { id?: string }).id ?? JSON.stringify(value)
}
