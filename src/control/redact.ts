import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'

/** Fields with every secret replaced. */
export function redacted(
  entity: Entity,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const hidden = Object.entries(fields).map(([field, value]) => {
    const isShown = !entity.secret.includes(field) || value === null || value === undefined
    return [field, isShown ? value : 'REDACTED']
  })
  return Object.fromEntries(hidden) as Record<string, unknown>
}

/** An entry as audit records keep it. */
export const redactEntry = (entity: Entity, entry: Entry): Record<string, unknown> => ({
  entity: entity.name,
  id: entry.id,
  workspace: entry.workspace,
  ...redacted(entity, entry.fields),
})

/** How an entry is called in sentences: by its key unless that is secret or unset, else by its id. */
export function nameOf(entity: Entity, entry: Entry): string {
  const { key } = entity
  if (key === undefined || entity.secret.includes(key)) return entry.id
  const name = entry.fields[key]
  return typeof name === 'string' ? name : entry.id
}
