import { z } from 'zod'
import type { Entity } from '../../entities/entities.ts'

/** A JSON Schema as an OpenAPI 3.1 document holds it. */
export type Described = Readonly<Record<string, unknown>>

const seconds = { type: 'integer', description: 'Seconds since the epoch.', readOnly: true }
const reference = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid' },
    name: { type: 'string', writeOnly: true },
    username: { type: 'string', writeOnly: true },
  },
}

/** What an entity is made of, in bodies and in answers. */
export function describeEntity(entity: Entity): Described {
  const { properties = {}, required } = describeFields(entity.fields)
  const fields = Object.entries(properties as Record<string, Described>).map(([name, field]) => {
    const hidden = entity.secret.includes(name) && entity.reveals === undefined
    return [
      name,
      {
        ...(name in entity.refersTo ? referenceTo(entity, name, field) : field),
        ...(hidden ? { writeOnly: true } : {}),
      },
    ] as const
  })
  return {
    type: 'object',
    description: entity.about,
    properties: {
      id: { type: 'string', format: 'uuid', description: 'Made when absent.' },
      ...Object.fromEntries(fields),
      ...entity.virtual,
      created_at: seconds,
      updated_at: seconds,
    },
    ...(required === undefined ? {} : { required }),
  }
}

/** What settings or fields are made of, as they are given: text that is taken apart is described as text. */
export function describeFields(fields: z.ZodObject): Described {
  const { $schema: _schema, ...described } = z.toJSONSchema(fields, {
    io: 'input',
    unrepresentable: 'any',
  }) as Record<string, unknown>
  return described
}

function referenceTo(entity: Entity, name: string, { description }: Described): Described {
  const isOptional = entity.fields.shape[name] instanceof z.ZodDefault
  return {
    ...reference,
    type: isOptional ? ['object', 'null'] : 'object',
    description:
      description ?? `The ${(entity.refersTo[name] ?? '').replaceAll('-', ' ')} it refers to.`,
  }
}
