import type { z } from 'zod'
import { entities } from '../schema/entities.ts'
import type { Entity } from '../schema/entity.ts'
import type { PluginSchema } from '../schema/plugin-schema.ts'
import { vaultKindNamed } from '../schema/vault.ts'
import { violationsOf, type Violations } from '../schema/violations.ts'
import { schemaViolation } from './kong-problem.ts'
import type { Body } from './operation.ts'

/** The schema of each entity together with its rules over several fields. */
const wholes: ReadonlyMap<string, z.ZodObject> = new Map(
  entities.map(({ name, fields, check }) => [
    name,
    check === undefined ? fields : fields.check(check),
  ]),
)

/** A body with defaults filled, as the entity declares it; refuses with every violation at once. A null is the same as nothing. */
export function parseFields(
  entity: Entity,
  body: Body,
  catalog: readonly PluginSchema[],
): Record<string, unknown> {
  const parsed = (wholes.get(entity.name) ?? entity.fields).safeParse(withoutNulls(body))
  const violations = parsed.success ? {} : violationsOf(parsed.error)
  const config = hasConfig(entity) ? parseConfig(entity, body, catalog) : undefined
  Object.assign(violations, config?.violations)
  if (!parsed.success || Object.keys(violations).length > 0) throw schemaViolation(violations)
  return config === undefined ? parsed.data : { ...parsed.data, config: config.value }
}

/** Whether what an entity may be told depends on what it is of: a plugin, or a vault. */
const hasConfig = ({ name }: Entity): boolean => name === 'plugin' || name === 'vault'

/** Checks a plugin or vault by the schema of its settings, which fills their defaults. */
function parseConfig(
  entity: Entity,
  body: Body,
  catalog: readonly PluginSchema[],
): { value?: unknown; violations: Violations } {
  const { name, config } = body
  if (typeof name !== 'string' || name === '') return { violations: {} }
  const schema =
    entity.name === 'vault'
      ? vaultKindNamed(name)
      : catalog.find((candidate) => candidate.name === name)
  if (schema === undefined) return { violations: { name: unknown(entity, name) } }
  if (config !== undefined && config !== null && !isRecord(config)) {
    return { violations: { config: 'expected a record' } }
  }
  const parsed = schema.settings.safeParse(deepWithoutNulls(config ?? {}))
  return parsed.success
    ? { value: parsed.data, violations: {} }
    : { violations: nested(parsed.error) }
}

/** Kong's sentence for a plugin that this gateway does not have. */
export const notEnabled = (name: string): string =>
  `plugin '${name}' not enabled; add it to the 'plugins' configuration property`

const unknown = (entity: Entity, name: string): string =>
  entity.name === 'vault' ? `vault '${name}' is not installed` : notEnabled(name)

/** Whether a value is an object with named members. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function nested(error: z.ZodError): Violations {
  const { '@entity': whole, ...fields } = violationsOf(error)
  return {
    ...(Object.keys(fields).length === 0 ? {} : { config: fields }),
    ...(whole === undefined ? {} : { '@entity': whole }),
  }
}

const withoutNulls = (body: Body): Body =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))

function deepWithoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value
  const kept = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(kept.map(([key, inner]) => [key, deepWithoutNulls(inner)]))
}
