import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { readSmallBody } from '../proxy/small-body.ts'
import {
  openSchemaCompiler,
  schemaVersions,
  type CompileSchema,
  type Validate,
} from './request-validator/compile-schema.ts'
import { isAllowedType, parseMediaType } from './request-validator/content-type.ts'
import {
  kindOf,
  parameterStyles,
  readParameter,
  type ParameterLocation,
} from './request-validator/read-parameter.ts'

const parameter = z
  .strictObject({
    in: z.enum(['query', 'header', 'path']).describe('Location of the parameter.'),
    name: z.string().min(1).describe('Name of the parameter.'),
    required: z
      .boolean()
      .default(false)
      .describe('Refuse requests without the parameter. Must be true for path parameters.'),
    style: z
      .enum(parameterStyles)
      .nullable()
      .default(null)
      .describe('Serialization style of OpenAPI.'),
    explode: z
      .boolean()
      .nullable()
      .default(null)
      .describe('Whether items of arrays and objects are separate parameters, as in OpenAPI.'),
    schema: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe('JSON Schema of the value, as JSON text. Any value when null.'),
  })
  .refine(({ in: where, required }) => where !== 'path' || required, {
    error: 'a parameter in the path must be required',
  })

const settings = z
  .strictObject({
    body_schema: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe(
        'Schema of request bodies, as JSON text, in the language of `version`. Bodies are not validated when null.',
      ),
    version: z
      .enum(schemaVersions)
      .default('kong')
      .describe('Schema language of `body_schema`: Kong’s own, or a draft of JSON Schema.'),
    allowed_content_types: z
      .array(z.string().min(1))
      .default(['application/json'])
      .describe('Accepted content types; `*` matches any type or subtype.'),
    content_type_parameter_validation: z
      .boolean()
      .default(true)
      .describe('Compare the parameters of content types too, such as charset.'),
    parameter_schema: z
      .array(parameter)
      .nullable()
      .default(null)
      .describe('Parameters to validate.'),
    verbose_response: z.boolean().default(false).describe('Name the violation in the response.'),
  })
  .refine(({ body_schema: body, parameter_schema: list }) => body !== null || list !== null, {
    error: `at least one of these fields must be non-empty: 'config.body_schema', 'config.parameter_schema'`,
  })
  .superRefine((settings, context) => {
    for (const [path, complaint] of violations(settings)) {
      context.addIssue({ code: 'custom', path, message: complaint, input: settings })
    }
  })

type Settings = z.output<typeof settings>
type Parameter = z.output<typeof parameter>

export const requestValidator = definePlugin({
  name: 'request-validator',
  about: 'Validates parameters and bodies of requests against schemas.',
  settings,
  prepare(settings) {
    // Stored settings keep working when a limit is lowered.
    const compileSchema = openSchemaCompiler(Infinity)
    const parameters = (settings.parameter_schema ?? []).map((one) => ({
      ...one,
      kind: kindOf(one.schema),
      check: compileParameter(one, settings, compileSchema),
    }))
    const checkBody =
      settings.body_schema === null
        ? undefined
        : compileSchema(settings.body_schema, settings.version)
    return {
      onRequest(exchange) {
        for (const one of parameters) checkParameter(exchange, one, settings)
        return checkBody && checkBodyOf(exchange, checkBody, settings)
      },
    }
  },
})

function* violations(settings: Settings): Generator<readonly [(string | number)[], string]> {
  const { body_schema: body, parameter_schema: parameters, version } = settings
  const compileSchema = openSchemaCompiler()
  const schemaViolation = (schema: string, language: Settings['version']): string | undefined => {
    try {
      compileSchema(schema, language)
      return undefined
    } catch (error) {
      return `schema violation (${(error as Error).message})`
    }
  }
  const bodyError = body === null ? undefined : schemaViolation(body, version)
  if (bodyError !== undefined) yield [['body_schema'], bodyError]
  for (const [index, { schema }] of (parameters ?? []).entries()) {
    const found = schema === null ? undefined : schemaViolation(schema, parameterVersion(version))
    if (found !== undefined) yield [['parameter_schema', index, 'schema'], found]
  }
}

/** Schemas of parameters are always JSON Schema, also when bodies use Kong's language. */
const parameterVersion = (version: Settings['version']): Settings['version'] =>
  version === 'kong' ? 'draft4' : version

function compileParameter(
  { schema }: Parameter,
  { version }: Settings,
  compileSchema: CompileSchema,
): Validate | undefined {
  return schema === null
    ? undefined
    : compileSchema(schema, parameterVersion(version), { coerce: true })
}

function checkParameter(
  exchange: Exchange,
  parameter: ParameterLocation & {
    readonly required: boolean
    readonly check: Validate | undefined
  },
  settings: Settings,
): void {
  const value = readParameter(exchange, parameter)
  const complaint =
    value === undefined
      ? parameter.required
        ? 'required parameter value not found'
        : undefined
      : parameter.check?.(value)
  if (complaint === undefined) return
  const words = `${parameter.in} '${parameter.name}' validation failed, [error] ${complaint}`
  throw refusal(
    'request-validator.parameter',
    settings.verbose_response ? words : "request param doesn't conform to schema",
  )
}

function checkBodyOf(
  exchange: Exchange,
  check: Validate,
  settings: Settings,
): void | Promise<void> {
  const type = parseMediaType(exchange.request.headers.get('content-type') ?? '')
  if (!isAllowedType(type, settings)) {
    throw refusal('request-validator.content_type', 'specified Content-Type is not allowed')
  }
  if (!isJson(type.media)) return
  if (!exchange.body.present) return validateBody('', check, settings)
  return readSmallBody(exchange.body).then((bytes) => {
    if (bytes === undefined) throw tooLarge()
    validateBody(bytes.toString('utf8'), check, settings)
  })
}

/** As in Kong, bodies of other types are not validated. */
const isJson = (media: string): boolean => /^application\/(json|[\w.-]+\+json)$/.test(media)

function validateBody(text: string, check: Validate, settings: Settings): void {
  const parsed = parse(text)
  const complaint = parsed === undefined ? 'the body is not JSON' : check(parsed.value)
  if (complaint === undefined) return
  throw refusal(
    'request-validator.body',
    settings.verbose_response ? complaint : "request body doesn't conform to schema",
  )
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    // An error of the client, which the refusal describes.
    return undefined
  }
}

const refusal = (
  code: 'request-validator.parameter' | 'request-validator.content_type' | 'request-validator.body',
  message: string,
): Problem => new Problem(code, 400, message)

const tooLarge = (): Problem =>
  new Problem('request-validator.too_large', 413, 'A body that is validated must not exceed 64 KiB')
