import { isNode, resolvePointer, type OpenApi } from './read-openapi.ts'

/** A self-contained schema as text: referenced schemas move to its definitions, recursive ones included. */
export function schemaText({ root, version }: OpenApi, schema: unknown): string {
  const definitions = new Map<string, unknown>()
  const definitionsKey = version === '3.0' ? 'definitions' : '$defs'
  const convert = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(convert)
    if (!isNode(value)) return value
    const reference = value['$ref']
    if (typeof reference === 'string') return { $ref: `#/${definitionsKey}/${define(reference)}` }
    const members = Object.entries(value).map(([name, inner]) => [name, convert(inner)] as const)
    const converted = Object.fromEntries(members)
    return version === '3.0' ? convertNullable(converted) : converted
  }
  const define = (reference: string): string => {
    const name = reference.slice(2).replaceAll(/[^\w.-]+/g, '_')
    if (!definitions.has(name)) {
      definitions.set(name, true)
      definitions.set(name, convert(resolvePointer(root, reference)))
    }
    return name
  }
  const converted = convert(schema) as Record<string, unknown>
  return JSON.stringify(
    definitions.size === 0
      ? converted
      : { ...wrapReference(converted), [definitionsKey]: Object.fromEntries(definitions) },
  )
}

/** Older dialects ignore members beside `$ref`. */
const wrapReference = (schema: Record<string, unknown>): Record<string, unknown> =>
  '$ref' in schema ? { allOf: [schema] } : schema

/** Converts `nullable` of OpenAPI 3.0, and drops keywords that only describe. */
function convertNullable(schema: Record<string, unknown>): Record<string, unknown> {
  const { nullable, example: _example, discriminator: _discriminator, xml: _xml, ...rest } = schema
  if (nullable !== true) return rest
  const choices = Array.isArray(rest['enum'])
    ? { enum: [...new Set([...(rest['enum'] as unknown[]), null])] }
    : {}
  return 'type' in rest
    ? { ...rest, type: [rest['type'], 'null'].flat(), ...choices }
    : { anyOf: [rest, { type: 'null' }] }
}
