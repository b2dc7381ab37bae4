import { Ajv, type KeywordDefinition, type Options, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { default as Ajv4 } from 'ajv-draft-04'
import { default as addFormats } from 'ajv-formats'
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

/** Compiles the JSON text of a schema; throws when it is invalid. Patterns and uniqueItems run in linear time. */
export function compileSchema(
  text: string,
  version: (typeof schemaVersions)[number],
  { coerce }: CompileOptions = { coerce: false },
): Validate {
  const given = JSON.parse(text) as unknown
  const schema = version === 'kong' ? fromKongSchema(given) : given
  if (typeof schema !== 'object' || schema === null) throw new TypeError('expected an object')
  // The version determines the dialect.
  const { $schema: _dialect, ...own } = schema as Record<string, unknown>
  const validate = engineFor(version, coerce).compile(own)
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

function engineFor(version: (typeof schemaVersions)[number], coerce: boolean): Ajv {
  const options: Options = {
    strict: false,
    allErrors: false,
    coerceTypes: coerce ? 'array' : false,
    code: { regExp: linear },
    logger: false,
  }
  const engine = createEngine(version, options)
  addFormats.default(engine, { mode: 'fast' })
  engine.removeKeyword('uniqueItems').addKeyword(uniqueItems)
  return engine
}

function createEngine(version: (typeof schemaVersions)[number], options: Options): Ajv {
  if (version === 'draft201909') return new Ajv2019(options)
  if (version === 'draft202012') return new Ajv2020(options)
  if (version === 'draft4') return new Ajv4.default(options)
  return new Ajv(options)
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
