import { hash } from 'node:crypto'
import type { Entity } from '../entities/entities.ts'
import { referenceIn, type Entry } from '../entities/entry.ts'
import type { Cipher } from '../lib/cipher.ts'

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

/** Fields that are stored sealed. */
export const sealedFields = ({ secret, sealed = [] }: Entity): readonly string[] => [
  ...secret,
  ...sealed,
]

/** Additional authenticated data (AAD) of an encrypted field. */
const cipherContext = (entity: Entity, id: string, field: string): string =>
  `${tableOf(entity)}/${id}/${field}`

/** An index takes no text of any length, and PostgreSQL no NUL: of such a text its hash is compared. */
function columnText(text: string): string {
  if (text.length <= 500 && text.isWellFormed() && !text.includes('\0')) return text
  return `sha256:${hash('sha256', JSON.stringify(text))}`
}

/** The row of an entry. */
export function rowOf(entity: Entity, entry: Entry, cipher: Cipher): EntityRow {
  const { tags = null, ...own } = entry.fields
  const rest: Record<string, unknown> = own
  const row: EntityRow = { id: entry.id, workspace_id: entry.workspace }
  for (const field of Object.keys(entity.refersTo)) {
    row[columnOf(entity, field)] = referenceIn(entry, field) ?? null
    delete rest[field]
  }
  const sealed = sealedFields(entity)
  for (const field of uniqueColumns(entity)) {
    const value = (rest[field] as string | null | undefined) ?? null
    row[field] = value && columnText(sealed.includes(field) ? cipher.digest(value) : value)
  }
  for (const field of sealed) {
    const value = rest[field] ?? null
    if (value !== null)
      rest[field] = cipher.sealValue(value, cipherContext(entity, entry.id, field))
  }
  row['tags'] = tags === null ? null : JSON.stringify(tags)
  row['body'] = JSON.stringify(rest)
  row['created_at'] = entry.createdAt
  row['updated_at'] = entry.updatedAt
  return row
}

/** The entry of a row; a field that the row lacks, because the program is newer, has its default. */
export function entryOf(entity: Entity, row: EntityRow, cipher: Cipher): Entry {
  const id = String(row['id'])
  const fields = JSON.parse(String(row['body'])) as Record<string, unknown>
  for (const field of sealedFields(entity)) {
    const value = fields[field] ?? null
    if (value !== null) fields[field] = cipher.openValue(value, cipherContext(entity, id, field))
  }
  for (const field of Object.keys(entity.refersTo)) {
    const referred = row[columnOf(entity, field)] ?? null
    fields[field] = referred === null ? null : { id: referred }
  }
  if ('tags' in entity.fields.shape) {
    Object.assign(fields, { tags: row['tags'] === null ? null : JSON.parse(String(row['tags'])) })
  }
  for (const [field, type] of Object.entries(entity.fields.shape)) {
    if (!(field in fields)) fields[field] = type.safeParse(undefined).data ?? null
  }
  return {
    id,
    workspace: row['workspace_id'] as string | null,
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    fields,
  }
}
