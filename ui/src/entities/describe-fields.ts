import { entities } from '../../../src/entities/entities.ts'
import type { EntityRecord } from '../api/entities.ts'

/** A field of an entity with its description. */
export type Field = {
  readonly name: string
  readonly about: string | undefined
  readonly value: unknown
  /** The kind of entity that its value refers to. */
  readonly refersTo: string | undefined
  readonly isSecret: boolean
}

/** The fields of an entity in the order of its schema, then unknown ones, ID and timestamps. */
export function describeFields(plural: string, record: EntityRecord): Field[] {
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
