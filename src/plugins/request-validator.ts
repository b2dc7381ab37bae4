import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { compileSchema, schemaVersions, type Checked } from './request-validator/compile-schema.ts'
import { isAllowedType, readType } from './request-validator/content-type.ts'
import { readBody } from './request-validator/read-body.ts'
import {
  kindOf,
  parameterStyles,
  readParameter,
  type ParameterPlace,
} from './request-validator/read-parameter.ts'

const parameter = z
  .strictObject({
    in: z.enum(['query', 'header', 'path']),
    name: z.string().min(1),
    required: z.boolean().default(false),
    style: z.enum(parameterStyles).nullable().default(null),
    explode: z.boolean().nullable().default(null),
    schema: z.string().min(1).nullable().default(null).describe('JSON text of a JSON Schema.'),
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
      .describe('JSON text of the schema of bodies.'),
    version: z.enum(schemaVersions).default('kong').describe('What language schemas are in.'),
    allowed_content_types: z.array(z.string().min(1)).default(['application/json']),
    content_type_parameter_validation: z.boolean().default(true),
    parameter_schema: z.array(parameter).nullable().default(null),
    verbose_response: z.boolean().default(false).describe('Tell clients what is wrong.'),
  })
  .refine(({ body_schema: body, parameter_schema: list }) => body !== null || list !== null, {
    error: `at least one of these fields must be non-empty: 'body_schema', 'parameter_schema'`,
  })
  .superRefine((settings, context) => {
    for (const [path, complaint] of complaints(settings)) {
      context.addIssue({ code: 'custom', path, message: complaint, input: settings })
    }
  })

type Settings = z.output<typeof settings>
type Parameter = z.output<typeof parameter>

/** Lets requests pass only when their parameters and their body are as schemas say. */
export const requestValidator = definePlugin({
  name: 'request-validator',
  about: 'Lets requests pass only when their parameters and their body are as schemas say.',
  settings,
  prepare(settings) {
    const parameters = (settings.parameter_schema ?? []).map((one) => ({
      ...one,
      kind: kindOf(one.schema),
      check: checkOf(one, settings),
    }))
    const checkBody =
      settings.body_schema === null
        ? undefined
        : compileSchema(settings.body_schema, settings.version)
    return {
      onRequest(exchange) {
        for (const one of parameters) checkParameter(exchange, one, settings)
        return checkBody && bodyStep(exchange, checkBody, settings)
      },
    }
  },
})

function* complaints(settings: Settings): Generator<readonly [(string | number)[], string]> {
  const { body_schema: body, parameter_schema: parameters, version } = settings
  const bodyComplaint = body === null ? undefined : complaintAbout(body, version)
  if (bodyComplaint !== undefined) yield [['body_schema'], bodyComplaint]
  for (const [index, { schema }] of (parameters ?? []).entries()) {
    const found = schema === null ? undefined : complaintAbout(schema, parameterVersion(version))
    if (found !== undefined) yield [['parameter_schema', index, 'schema'], found]
  }
}

function complaintAbout(schema: string, version: Settings['version']): string | undefined {
  try {
    compileSchema(schema, version)
    return undefined
  } catch (error) {
    return `schema violation (${(error as Error).message})`
  }
}

/** Parameters are in JSON Schema even where bodies are in Kong's language. */
const parameterVersion = (version: Settings['version']): Settings['version'] =>
  version === 'kong' ? 'draft4' : version

function checkOf({ schema }: Parameter, { version }: Settings): Checked | undefined {
  return schema === null
    ? undefined
    : compileSchema(schema, parameterVersion(version), { coerces: true })
}

function checkParameter(
  exchange: Exchange,
  parameter: ParameterPlace & {
    readonly required: boolean
    readonly check: Checked | undefined
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

function bodyStep(exchange: Exchange, check: Checked, settings: Settings): void | Promise<void> {
  const type = readType(exchange.request.headers.get('content-type') ?? '')
  if (!isAllowedType(type, settings)) {
    throw refusal('request-validator.content_type', 'specified Content-Type is not allowed')
  }
  if (!isJson(type.media)) return
  if (!exchange.body.present) return judgeBody('', check, settings)
  return readBody(exchange.body).then((text) => judgeBody(text, check, settings))
}

/** A body of another kind is let pass unread, as in Kong. */
const isJson = (media: string): boolean => /^application\/(json|[\w.-]+\+json)$/.test(media)

function judgeBody(text: string, check: Checked, settings: Settings): void {
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
    // The client's fault, which the refusal names.
    return undefined
  }
}

const refusal = (
  code: 'request-validator.parameter' | 'request-validator.content_type' | 'request-validator.body',
  message: string,
): Problem => new Problem(code, 400, message)
