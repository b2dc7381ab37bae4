import type { Entity } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import { notUnique } from '../entities/kong-problem.ts'
import { entriesSharing, type ConfigurationView } from './configuration-view.ts'
import { redacted } from './redact.ts'
import { uniqueKeys } from './unique-keys.ts'

/** Throws when another entry has the same value in a unique field. */
export function checkUnique(entity: Entity, entry: Entry, view: ConfigurationView): void {
  for (const unique of uniqueKeys.get(entity.name) ?? []) {
    for (const { id } of entriesSharing(view, entity, unique, entry)) {
      if (id === entry.id) continue
      const values = unique.fields.map((field) => [field, entry.fields[field] ?? null] as const)
      throw notUnique(redacted(entity, Object.fromEntries(values)))
    }
  }
}
