import { Ajv, type KeywordDefinition, type Options, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { default as Ajv4 } from 'ajv-draft-04'
import { default as addFormats } from 'ajv-formats'
import { canonicalText } from '../../lib/canonical-text.ts'
import { linearRegex } from '../../lib/linear-regex.ts'
import { fromKongSchema } from './from-kong-schema.ts'

/** The languages of schemas. */
export const schemaVersions = [
  'kong',
  'draft4',
  'draft6',
  'draft7',
  'draft201909',
  'draft202012',
] as const

/** Says what is wrong with a value; nothing when it is as it should be. */
export type Checked = (value: unknown) => string | undefined

/** How a schema is used. */
type Use = {
  /** Text is taken for numbers and truth values where these are wanted, as parameters have to be. */
  readonly coerces: boolean
}

/** Compiles the JSON text of a schema; throws what is wrong with it. Its patterns, and its search for items that stand twice, take time in proportion to the value. */
export function compileSchema(
  text: string,
  version: (typeof schemaVersions)[number],
  { coerces }: Use = { coerces: false },
): Checked {
  const given = JSON.parse(text) as unknown
  const schema = version === 'kong' ? fromKongSchema(given) : given
  if (typeof schema !== 'object' || schema === null) throw new TypeError('expected an object')
  // Without its dialect, which the version says.
  const { $schema: _dialect, ...own } = schema as Record<string, unknown>
  const validate = engineFor(version, coerces).compile(own)
  return (value) => {
    try {
      return validate(value) ? undefined : sentenceOf(validate)
    } catch (error) {
      // The stack ends where a schema that refers to itself follows a value of thousands of levels.
      if (error instanceof RangeError) return 'it is nested too deeply'
      throw error
    }
  }
}

function engineFor(version: (typeof schemaVersions)[number], coerces: boolean): Ajv {
  const options: Options = {
    strict: false,
    allErrors: false,
    coerceTypes: coerces ? 'array' : false,
    code: { regExp: linear },
    logger: false,
  }
  const engine = open(version, options)
  addFormats.default(engine, { mode: 'fast' })
  engine.removeKeyword('uniqueItems').addKeyword(uniqueItems)
  return engine
}

function open(version: (typeof schemaVersions)[number], options: Options): Ajv {
  if (version === 'draft201909') return new Ajv2019(options)
  if (version === 'draft202012') return new Ajv2020(options)
  if (version === 'draft4') return new Ajv4.default(options)
  return new Ajv(options)
}

/** Ajv's own compares each item with each, which takes a second for a body of 64 KiB. */
const uniqueItems: KeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must NOT have duplicate items' },
  validate: (isWanted: boolean, items: readonly unknown[]) =>
    !isWanted || new Set(items.map((item) => canonicalText(item))).size === items.length,
}

const linear = Object.assign(
  (pattern: string) => {
    const regex = linearRegex(pattern, { name: `pattern '${pattern}'` })
    return { test: (text: string) => regex.test(text) }
  },
  { code: 'linear' },
)

function sentenceOf({ errors }: ValidateFunction): string {
  const [first] = errors ?? []
  if (first === undefined) return 'it is not valid'
  const place = first.instancePath.slice(1).replaceAll('/', '.')
  return `${place === '' ? '' : `${place}: `}${first.message ?? 'it is not valid'}`
}
