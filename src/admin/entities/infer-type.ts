import { z } from 'zod'
import { isRecord } from '../../lib/is-record.ts'

/** Converts form text to the type of the schema where the text allows it. Other text stays unchanged and fails validation. */
export function inferType(value: unknown, schema: z.core.$ZodType): unknown {
  const type = unwrapped(schema)
  if (type instanceof z.ZodObject && isRecord(value)) {
    return mapped(value, (inner, key) => {
      const field = type.shape[key] as z.core.$ZodType | undefined
      return field === undefined ? inner : inferType(inner, field)
    })
  }
  if (type instanceof z.ZodRecord && isRecord(value)) {
    return mapped(value, (inner) => inferType(inner, type.valueType))
  }
  if (type instanceof z.ZodArray) {
    const list = Array.isArray(value) ? (value as unknown[]) : [value]
    return list.map((inner) => inferType(inner, type.element))
  }
  return typeof value === 'string' ? inferScalar(value, type) : value
}

function inferScalar(text: string, type: z.core.$ZodType): unknown {
  if (text === '') return null
  if (type instanceof z.ZodNumber && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (type instanceof z.ZodBoolean && /^(true|false)$/.test(text)) return text === 'true'
  if (type instanceof z.ZodUnion) {
    const tried = type.options.map((option) => [inferType(text, option), option] as const)
    return tried.find(([value, option]) => z.safeParse(option, value).success)?.[0] ?? text
  }
  if (type instanceof z.ZodLiteral) {
    return [...type.values].find((literal) => String(literal) === text) ?? text
  }
  return text
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable
  ) {
    return unwrapped(schema.def.innerType)
  }
  return schema instanceof z.ZodPipe ? unwrapped(schema.def.in) : schema
}

function mapped(
  value: Record<string, unknown>,
  change: (inner: unknown, key: string) => unknown,
): Record<string, unknown> {
  const pairs = Object.entries(value).map(([key, inner]) => [key, change(inner, key)] as const)
  return Object.fromEntries(pairs)
}
