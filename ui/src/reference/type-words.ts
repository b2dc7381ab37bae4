import type { FieldSchema } from './api-document.ts'

/** What a field may hold, in words: `integer`, `list of text`, `http or https`. */
export function typeWords(schema: FieldSchema): string {
  const options = (schema.anyOf ?? []).filter(({ type }) => type !== 'null')
  if (options.length > 0) return [...new Set(options.map(typeWords))].join(' or ')
  if (schema.const !== undefined) return String(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(String).join(', ')
  const [type] = [schema.type ?? 'any'].flat().filter((one) => one !== 'null')
  if (type === 'array')
    return `list of ${schema.items === undefined ? 'any' : typeWords(schema.items)}`
  if (type === 'object') return schema.properties === undefined ? 'map' : 'record'
  return type === 'string' ? 'text' : String(type)
}

/** The fields inside of a field: of a record, or of the records of a list. */
export function fieldsIn(schema: FieldSchema): FieldSchema | undefined {
  const options = [schema, ...(schema.anyOf ?? [])]
  const record = options.find(({ properties }) => properties !== undefined)
  return (
    record ?? options.map(({ items }) => items).find((items) => items?.properties !== undefined)
  )
}
