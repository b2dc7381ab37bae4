import type { z } from 'zod'
import { entities, type Entity } from '../entities/entities.ts'
import type { Body } from '../entities/hooks.ts'
import { schemaViolation } from '../entities/kong-problem.ts'
import { expandShorthands, type PluginSchema } from '../entities/plugin-schema.ts'
import { misplacedReferences } from '../entities/referenceable-fields.ts'
import { violationsOf, type Violations } from '../entities/violations.ts'
import { isRecord } from '../lib/is-record.ts'

/** Entity name → its schema with the rules that span several fields. */
const fullSchemas: ReadonlyMap<string, z.ZodObject> = new Map(
  entities.map(({ name, fields, check }) => [
    name,
    check === undefined ? fields : fields.check(check),
  ]),
)

/** Replaces deprecated names of settings in `config`; throws where they contradict the new ones. `fields` are those of the entity after the change. */
export function expandConfig(
  entity: Entity,
  body: Body,
  catalog: readonly PluginSchema[],
  fields: Body = body,
): Body {
  const { config } = body
  if (!isRecord(config)) return body
  const { config: expanded, violations } = expandShorthands(
    config,
    entity.configShorthands?.(fields, catalog),
  )
  if (Object.keys(violations).length > 0) throw schemaViolation({ config: violations })
  return { ...body, config: expanded }
}

/** Validates a body and fills defaults; throws all violations at once. A null counts as absent. */
export function parseFields(
  entity: Entity,
  given: Body,
  catalog: readonly PluginSchema[],
): Record<string, unknown> {
  const body = expandConfig(entity, given, catalog)
  const parsed = (fullSchemas.get(entity.name) ?? entity.fields).safeParse(withoutNulls(body))
  const violations = parsed.success ? {} : violationsOf(parsed.error)
  const config = entity.configSchema === undefined ? undefined : parseConfig(entity, body, catalog)
  Object.assign(violations, config?.violations, misplacedIn(entity, body))
  Object.assign(violations, forbiddenIn(entity, body, catalog))
  Object.assign(violations, entity.fieldViolations?.(body, catalog))
  if (!parsed.success || Object.keys(violations).length > 0) throw schemaViolation(violations)
  return config === undefined ? parsed.data : { ...parsed.data, config: config.value }
}

function forbiddenIn(entity: Entity, body: Body, catalog: readonly PluginSchema[]): Violations {
  const given = (entity.forbiddenFields?.(body, catalog) ?? []).filter(
    (field) => (body[field] ?? null) !== null,
  )
  return Object.fromEntries(given.map((field) => [field, 'value must be null']))
}

/** References in fields other than `config`, which has a separate schema. */
function misplacedIn(entity: Entity, { config, ...own }: Body): Violations {
  const fields = entity.configSchema === undefined ? { config, ...own } : own
  return misplacedReferences(fields, entity.fields)
}

/** Validates `config` against the schema that `name` selects and fills its defaults. */
function parseConfig(
  entity: Entity,
  body: Body,
  catalog: readonly PluginSchema[],
): { value?: unknown; violations: Violations } {
  const { config } = body
  const name = body[entity.configBy ?? 'name']
  if (typeof name !== 'string' || name === '') return { violations: {} }
  const schema = entity.configSchema?.(name, catalog)
  if (schema === undefined) {
    return { violations: unknownName(entity, name) }
  }
  if (config !== undefined && config !== null && !isRecord(config)) {
    return { violations: { config: 'expected a record' } }
  }
  return parseSettings(schema, config ?? {})
}

/** With `configBy`, another field selects the settings, and its own schema reports unknown values. */
const unknownName = (entity: Entity, name: string): Violations =>
  entity.configBy === undefined
    ? { name: entity.unknownName?.(name) ?? `unknown name '${name}'` }
    : {}

function parseSettings(
  schema: z.ZodObject,
  config: Body,
): { value?: unknown; violations: Violations } {
  const misplaced = misplacedReferences(config, schema)
  if (Object.keys(misplaced).length > 0) return { violations: { config: misplaced } }
  const parsed = schema.safeParse(deepWithoutNulls(config))
  return parsed.success
    ? { value: parsed.data, violations: {} }
    : { violations: nested(parsed.error) }
}

function nested(error: z.ZodError): Violations {
  const { '@entity': entityViolations, '@record': ofRecord, ...fields } = violationsOf(error)
  // As in Kong, the rules of a record apply once its fields are valid.
  const config = Object.keys(fields).length === 0 ? ofRecord : fields
  return {
    ...(config === undefined ? {} : { config }),
    ...(entityViolations === undefined ? {} : { '@entity': entityViolations }),
  }
}

const withoutNulls = (body: Body): Body =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))

function deepWithoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value
  const kept = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(kept.map(([key, inner]) => [key, deepWithoutNulls(inner)]))
}
