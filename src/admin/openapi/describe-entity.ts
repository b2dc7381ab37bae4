import { z } from 'zod'
import type { Entity } from '../../entities/entities.ts'

/** An object of an OpenAPI 3.1 document. */
export type Described = Readonly<Record<string, unknown>>

const seconds = { type: 'integer', description: 'Unix time in seconds.', readOnly: true }
const reference = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid' },
    name: { type: 'string', writeOnly: true },
    username: { type: 'string', writeOnly: true },
  },
}

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
      id: { type: 'string', format: 'uuid', description: 'Generated if absent.' },
      ...Object.fromEntries(fields),
      ...entity.virtual,
      created_at: seconds,
      updated_at: seconds,
    },
    ...(required === undefined ? {} : { required }),
  }
}

/** The body of a PATCH: any of the fields. */
export function describePatch(entity: Entity): Described {
  const { required: _required, ...described } = describeEntity(entity)
  return described
}

/** Describes input: a field with a transformation has the type before the transformation. */
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
      description ??
      `The ${(entity.refersTo[name] ?? '').replaceAll('-', ' ')} that this entity refers to.`,
  }
}
