import { entities } from '../../../src/entities/entities.ts'
import type { EntityRecord } from '../api/entities.ts'

/** One field of an entity, with what its schema says about it. */
export type Field = {
  readonly name: string
  readonly about: string | undefined
  readonly value: unknown
  /** Name of the kind of entity that its value refers to. */
  readonly refersTo: string | undefined
  readonly isSecret: boolean
}

/** The fields of an entity in the order of its schema, then what every entity has. */
export function fieldsOf(plural: string, record: EntityRecord): Field[] {
  const entity = entities.find((one) => one.plural === plural)
  const shape = entity?.fields.shape ?? {}
  const last = ['id', 'created_at', 'updated_at']
  const declared = Object.keys(shape).filter((name) => name in record)
  const others = Object.keys(record).filter((name) => !(name in shape) && !last.includes(name))
  return [...declared, ...others, ...last.filter((name) => name in record)].map((name) => ({
    name,
    about: shape[name]?.description,
    value: record[name],
    refersTo: entity?.refersTo[name],
    isSecret: entity?.secret.includes(name) ?? false,
  }))
}
