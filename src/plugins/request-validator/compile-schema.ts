import { createRequire } from 'node:module'
import type * as ajv from 'ajv'
import type { Ajv, KeywordDefinition, Options, ValidateFunction } from 'ajv'
import type * as ajv2019 from 'ajv/dist/2019.js'
import type * as ajv2020 from 'ajv/dist/2020.js'
import type Ajv4 from 'ajv-draft-04'
import type addFormats from 'ajv-formats'
import { canonicalText } from '../../lib/canonical-text.ts'
import { linearRegex } from '../../lib/linear-regex.ts'
import { fromKongSchema } from './from-kong-schema.ts'

export const schemaVersions = [
  'kong',
  'draft4',
  'draft6',
  'draft7',
  'draft201909',
  'draft202012',
] as const

/** Returns the violation of a value, or undefined. */
export type Validate = (value: unknown) => string | undefined

type CompileOptions = {
  /** Whether text is converted to numbers and booleans, as parameters need. */
  readonly coerce: boolean
}

export type CompileSchema = (
  text: string,
  version: (typeof schemaVersions)[number],
  options?: CompileOptions,
) => Validate

/** Values in all schemas of one plugin. Ajv needs about 30 µs for each and cannot be suspended. */
const maxValues = 1_500
/** Fixed cost of a schema, in values. */
const schemaCost = 6

/**
 * Opens a compiler of the JSON texts of schemas; it throws for invalid ones, and after `values` values in all of them.
 * Compiled patterns and uniqueItems run in linear time.
 */
export function openSchemaCompiler(values = maxValues): CompileSchema {
  const engines = new Map<string, Ajv>()
  let left = values
  return (text, version, { coerce } = { coerce: false }) => {
    const given = JSON.parse(text) as unknown
    left -= schemaCost + countValues(given)
    if (left < 0)
      throw new TypeError(
        `the schemas of a plugin have at most ${values} values, where each schema counts as ${schemaCost} more`,
      )
    const schema = version === 'kong' ? fromKongSchema(given) : given
    if (typeof schema !== 'object' || schema === null) throw new TypeError('expected an object')
    // The version determines the dialect.
    const { $schema: _dialect, ...own } = schema as Record<string, unknown>
    // Opening an engine takes longer than compiling a small schema.
    const key = `${version} ${coerce}`
    const engine = engines.get(key) ?? engineFor(version, coerce)
    engines.set(key, engine)
    const validate = engine.compile(own)
    // Two schemas may have the same `$id`.
    engine.removeSchema(own)
    return (value) => {
      try {
        return validate(value) ? undefined : violationOf(validate)
      } catch (error) {
        // A recursive schema overflows the stack on a value with thousands of levels.
        if (error instanceof RangeError) return 'it is nested too deeply'
        throw error
      }
    }
  }
}

function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, inner) => sum + countValues(inner), 1)
}

function engineFor(version: (typeof schemaVersions)[number], coerce: boolean): Ajv {
  const formats = require('ajv-formats') as typeof addFormats
  const options: Options = {
    strict: false,
    allErrors: false,
    coerceTypes: coerce ? 'array' : false,
    // Ajv's optimizer is quadratic in the schema.
    code: { regExp: linear, optimize: false },
    logger: false,
  }
  const engine = createEngine(version, options)
  formats.default(engine, { mode: 'fast' })
  engine.removeKeyword('uniqueItems').addKeyword(uniqueItems)
  return engine
}

/** The packages are loaded for the first schema of a version: most gateways validate nothing, and a start would take 50 ms longer. */
const require = createRequire(import.meta.url)

function createEngine(version: (typeof schemaVersions)[number], options: Options): Ajv {
  if (version === 'draft201909')
    return new (require('ajv/dist/2019.js') as typeof ajv2019).Ajv2019(options)
  if (version === 'draft202012')
    return new (require('ajv/dist/2020.js') as typeof ajv2020).Ajv2020(options)
  if (version === 'draft4') return new (require('ajv-draft-04') as typeof Ajv4).default(options)
  return new (require('ajv') as typeof ajv).Ajv(options)
}

/** Replaces Ajv's keyword, which is quadratic and takes a second for a body of 64 KiB. */
const uniqueItems: KeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must NOT have duplicate items' },
  validate: (isUnique: boolean, items: readonly unknown[]) =>
    !isUnique || new Set(items.map((item) => canonicalText(item))).size === items.length,
}

const linear = Object.assign(
  (pattern: string) => {
    const regex = linearRegex(pattern, { name: `pattern '${pattern}'` })
    return { test: (text: string) => regex.test(text) }
  },
  { code: 'linear' },
)

function violationOf({ errors }: ValidateFunction): string {
  const [first] = errors ?? []
  if (first === undefined) return 'it is not valid'
  const path = first.instancePath.slice(1).replaceAll('/', '.')
  return `${path === '' ? '' : `${path}: `}${first.message ?? 'it is not valid'}`
}
