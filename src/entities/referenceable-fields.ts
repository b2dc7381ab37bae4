import { z } from 'zod'
import { isReference } from './secret-reference.ts'
import type { Violations } from './violations.ts'

/** Marks a field that may hold a reference to a vault, Kong's `referenceable`; of a list or map, each of its values may. */
export const referenceable = <T extends z.ZodType>(type: T): T => type.meta({ referenceable: true })

/** Replaces the references in the referenceable fields of a value. */
export function replaceReferencesIn<Value>(
  value: Value,
  schema: z.ZodObject,
  replace: (text: string) => string,
): Value {
  return visitReferences(value, schema, (text, _path, isAllowed) =>
    isAllowed ? replace(text) : text,
  )
}

/** A violation for each reference in a field that is not referenceable. */
export function misplacedReferences(value: unknown, schema: z.ZodObject): Violations {
  const violations: Violations = {}
  visitReferences(value, schema, (text, path, isAllowed) => {
    if (!isAllowed) put(violations, path, 'a reference to a vault is not allowed in this field')
    return text
  })
  return violations
}

type Visit = (text: string, path: readonly string[], isAllowed: boolean) => string

/** Most values have no references, and cost no schema. */
function visitReferences<Value>(value: Value, schema: z.ZodObject, visit: Visit): Value {
  if (!hasReference(value)) return value
  return walk(value, choicesOf(jsonSchemaOf(schema)), [], visit) as Value
}

const hasReference = (value: unknown): boolean =>
  isReference(value) ||
  (typeof value === 'object' && value !== null && Object.values(value).some(hasReference))

type JsonSchema = z.core.JSONSchema.JSONSchema

const jsonSchemas = new WeakMap<z.ZodObject, JsonSchema>()

function jsonSchemaOf(schema: z.ZodObject): JsonSchema {
  let known = jsonSchemas.get(schema)
  if (known === undefined) {
    known = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
    jsonSchemas.set(schema, known)
  }
  return known
}

/** A schema with those of which it is a union or an intersection. */
function choicesOf(schema: unknown): readonly JsonSchema[] {
  if (typeof schema !== 'object' || schema === null) return []
  const own = schema as JsonSchema
  const inner = [...(own.anyOf ?? []), ...(own.oneOf ?? []), ...(own.allOf ?? [])]
  return [own, ...inner.flatMap(choicesOf)]
}

/** `schemas` is undefined within a referenceable field. */
function walk(
  value: unknown,
  schemas: readonly JsonSchema[] | undefined,
  path: readonly string[],
  visit: Visit,
): unknown {
  const isAllowed = schemas?.some((schema) => schema['referenceable'] === true) ?? true
  if (isReference(value)) return visit(value, path, isAllowed)
  if (typeof value !== 'object' || value === null) return value
  const schemaOf = (name: string): readonly JsonSchema[] | undefined =>
    isAllowed
      ? undefined
      : schemas?.flatMap(({ items, properties, additionalProperties }) =>
          choicesOf(
            Array.isArray(value)
              ? items
              : Object.hasOwn(properties ?? {}, name)
                ? properties?.[name]
                : additionalProperties,
          ),
        )
  if (Array.isArray(value))
    return value.map((inner: unknown, at) =>
      walk(inner, schemaOf(String(at)), [...path, String(at + 1)], visit),
    )
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      walk(inner, schemaOf(name), [...path, name], visit),
    ]),
  )
}

function put(violations: Violations, path: readonly string[], message: string): void {
  let at = violations
  for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Violations
  at[path.at(-1) ?? '@entity'] = message
}
