import { z } from 'zod'
import { entityNamed, type Entity } from '../../entities/entities.ts'
import { declaredName } from '../../entities/declaration.ts'
import type { PluginSchema, SupportedPartials } from '../../entities/plugin-schema.ts'
import type { VaultKind } from '../../entities/vault-kinds.ts'

export type SchemaField = Record<string, unknown>

/** Kong's format: a list of objects, each with one member named after the field. */
export type KongSchema = {
  readonly fields: readonly Record<string, SchemaField>[]
  readonly supported_partials?: SupportedPartials
}

type JsonSchema = z.core.JSONSchema.JSONSchema

export function entitySchema(entity: Entity): KongSchema {
  const own = fieldsOf(jsonSchemaOf(entity.fields)).map((field) =>
    withReferences(entity, markUnique(entity, field)),
  )
  const time = { type: 'integer', timestamp: true, auto: true }
  return {
    fields: [
      { id: { type: 'string', uuid: true, auto: true } },
      { created_at: time },
      { updated_at: time },
      ...own,
    ],
  }
}

export function pluginSchema(schema: PluginSchema): KongSchema {
  const config = settingsSchema(schema).fields
  return {
    fields: [
      ...entitySchema(entityNamed('plugin')).fields.filter((field) =>
        pluginFields.has(Object.keys(field)[0] ?? ''),
      ),
      {
        config: {
          type: 'record',
          required: true,
          fields: config,
          ...shorthandFields(schema, config),
        },
      },
    ],
    ...(schema.supportedPartials && { supported_partials: schema.supportedPartials }),
  }
}

/** The deprecated names of settings, each with the type of the setting that replaced it. */
function shorthandFields({ shorthands = {} }: PluginSchema, config: KongSchema['fields']) {
  const fields = Object.entries(shorthands).map(([name, path]) => {
    const [record, field] = path
    const inner = fieldNamed(config, record)?.['fields'] as KongSchema['fields'] | undefined
    const type = fieldNamed(inner ?? [], field)?.['type'] ?? 'string'
    const message = `config.${name} is deprecated, please use config.${path.join('.')} instead`
    return { [name]: { type, deprecation: { message, replaced_with: [{ path }] } } }
  })
  return fields.length === 0 ? {} : { shorthand_fields: fields }
}

const fieldNamed = (fields: KongSchema['fields'], name: string): SchemaField | undefined =>
  fields.find((field) => name in field)?.[name]

export const settingsSchema = ({ settings }: PluginSchema): KongSchema => ({
  fields: fieldsOf(jsonSchemaOf(settings)),
})

/** The schema of an entity whose settings depend on its kind. */
export function settingsOnly({ settings }: Pick<VaultKind, 'settings'>): KongSchema {
  const config = fieldsOf(jsonSchemaOf(settings))
  return { fields: [{ config: { type: 'record', required: true, fields: config } }] }
}

const pluginFields: ReadonlySet<string> = new Set([
  'protocols',
  'service',
  'route',
  'consumer',
  'consumer_group',
])

/** A field with a transformation has the type before the transformation. */
const jsonSchemaOf = (schema: z.ZodObject): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })

function fieldsOf(schema: JsonSchema): Record<string, SchemaField>[] {
  const required = new Set(schema.required)
  const listed = Object.entries(schema.properties ?? {}).filter(
    ([, property]) => !isUnlisted(property),
  )
  return listed.map(([name, property]) => {
    const field = typeof property === 'boolean' ? { type: 'any' } : fieldOf(property)
    const isRequired =
      required.has(name) || (typeof property === 'object' && property['isFilled'] === true)
    return { [name]: isRequired ? { ...field, required: true } : field }
  })
}

/** Settings that Kong's schema does not have at this place. */
const isUnlisted = (property: boolean | JsonSchema): boolean =>
  typeof property === 'object' && property['isUnlisted'] === true

function fieldOf(schema: JsonSchema): SchemaField {
  const about: SchemaField = {}
  if (schema.description !== undefined) about['description'] = schema.description
  if (schema.default !== undefined && schema.default !== null) about['default'] = schema.default
  const choice = withoutNull(schema)
  return { ...about, ...bounds(choice), ...typed(choice) }
}

/** A union with null becomes its other member; any other union becomes its first member. */
function withoutNull(schema: JsonSchema): JsonSchema {
  const options = (schema.anyOf ?? []).filter(({ type }) => type !== 'null')
  const [first] = options
  if (first === undefined) return schema
  const literals = options.map((option) => option.const)
  if (literals.every((literal) => literal !== undefined)) {
    return { type: typeof literals[0] === 'number' ? 'integer' : 'string', enum: literals }
  }
  return withoutNull(first)
}

function typed(schema: JsonSchema): SchemaField {
  const { type, properties, items, additionalProperties } = schema
  if (type === 'array') return { type: 'array', elements: elementOf(items) }
  if (type === 'object' && properties !== undefined) {
    return { type: 'record', fields: fieldsOf(schema) }
  }
  if (type === 'object') {
    return { type: 'map', keys: { type: 'string' }, values: elementOf(additionalProperties) }
  }
  return { type: type ?? (schema.enum === undefined ? 'any' : typeof schema.enum[0]) }
}

const elementOf = (schema: unknown): SchemaField =>
  typeof schema === 'object' && schema !== null ? fieldOf(schema as JsonSchema) : { type: 'any' }

function bounds(schema: JsonSchema): SchemaField {
  const found: SchemaField = {}
  if (schema.enum !== undefined) found['one_of'] = schema.enum
  if (schema['between'] !== undefined) found['between'] = schema['between']
  if (schema.minLength !== undefined) found['len_min'] = schema.minLength
  if (schema['referenceable'] === true) found['referenceable'] = true
  if (schema.minItems !== undefined) found['len_min'] = schema.minItems
  return found
}

function markUnique(entity: Entity, field: Record<string, SchemaField>) {
  const [[name, described] = ['', {}]] = Object.entries(field)
  return entity.unique.includes(name) ? { [name]: { ...described, unique: true } } : field
}

function withReferences(entity: Entity, field: Record<string, SchemaField>) {
  const [[name, described] = ['', {}]] = Object.entries(field)
  const reference = entity.refersTo[name]
  if (reference === undefined) return field
  const { description, required } = described
  const known = {
    ...(description === undefined ? {} : { description }),
    ...(required === true ? { required } : {}),
  }
  return { [name]: { type: 'foreign', reference: declaredName(entityNamed(reference)), ...known } }
}
