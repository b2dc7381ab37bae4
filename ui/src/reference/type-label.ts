import type { FieldSchema } from './api-document.ts'

/** The type of a field: `integer`, `list of string`, `http, https`. */
export function typeLabel(schema: FieldSchema): string {
  const options = (schema.anyOf ?? []).filter(({ type }) => type !== 'null')
  if (options.length > 0) return [...new Set(options.map(typeLabel))].join(' or ')
  if (schema.const !== undefined) return String(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(String).join(', ')
  const [type] = [schema.type ?? 'any'].flat().filter((one) => one !== 'null')
  if (type === 'array')
    return `list of ${schema.items === undefined ? 'any' : typeLabel(schema.items)}`
  if (type === 'object') return schema.properties === undefined ? 'map' : 'record'
  return String(type)
}

/** The nested fields of a record, or of the records of a list. */
export function nestedFields(schema: FieldSchema): FieldSchema | undefined {
  const options = [schema, ...(schema.anyOf ?? [])]
  const record = options.find(({ properties }) => properties !== undefined)
  return (
    record ?? options.map(({ items }) => items).find((items) => items?.properties !== undefined)
  )
}
