import type { Entity } from '../schema/entity.ts'
import { referenceIn, type Entry } from '../schema/entry.ts'

/** The columns of an entity's row. */
export type EntityRow = Record<string, string | number | null>

/** The table of an entity: its plural with underscores. */
export const tableOf = (entity: Entity): string => entity.plural.replaceAll(/[/-]/g, '_')

/** The column of a field: references end in `_id`. */
export const columnOf = (entity: Entity, field: string): string =>
  field in entity.refersTo ? `${field}_id` : field

/** Fields that are columns too because they are unique, without references. */
export const uniqueColumns = (entity: Entity): string[] => [
  ...new Set(entity.unique.flat().filter((field) => !(field in entity.refersTo))),
]

/** The row of an entry. */
export function rowOf(entity: Entity, entry: Entry): EntityRow {
  const { tags = null, ...own } = entry.fields
  const rest: Record<string, unknown> = own
  const row: EntityRow = { id: entry.id, workspace_id: entry.workspace }
  for (const field of Object.keys(entity.refersTo)) {
    row[columnOf(entity, field)] = referenceIn(entry, field) ?? null
    delete rest[field]
  }
  for (const field of uniqueColumns(entity)) {
    row[field] = (rest[field] as string | null | undefined) ?? null
  }
  row['tags'] = tags === null ? null : JSON.stringify(tags)
  row['body'] = JSON.stringify(rest)
  row['created_at'] = entry.createdAt
  row['updated_at'] = entry.updatedAt
  return row
}

/** The entry of a row; a field the row does not know yet, because the program is newer, has its default. */
export function entryOf(entity: Entity, row: EntityRow): Entry {
  const fields = JSON.parse(String(row['body'])) as Record<string, unknown>
  for (const field of Object.keys(entity.refersTo)) {
    const id = row[columnOf(entity, field)] ?? null
    fields[field] = id === null ? null : { id }
  }
  if ('tags' in entity.fields.shape) {
    fields['tags'] = row['tags'] === null ? null : JSON.parse(String(row['tags']))
  }
  for (const [field, type] of Object.entries(entity.fields.shape)) {
    if (!(field in fields)) fields[field] = type.safeParse(undefined).data ?? null
  }
  return {
    id: String(row['id']),
    workspace: row['workspace_id'] as string | null,
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    fields,
  }
}
