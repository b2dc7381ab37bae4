import { consumer } from '../../../src/schema/consumer.ts'
import type { Entity } from '../../../src/schema/entity.ts'
import { plugin } from '../../../src/schema/plugin.ts'
import { route } from '../../../src/schema/route.ts'
import { service } from '../../../src/schema/service.ts'
import type { EntityRecord } from '../api/entities.ts'

/** One field of an entity, with the sentence its schema says about it. */
export type Field = {
  readonly name: string
  readonly about: string | undefined
  readonly value: unknown
}

const entities: readonly Entity[] = [service, route, consumer, plugin]

/** The fields of an entity in the order of its schema, then what every entity has. */
export function fieldsOf(singular: string, record: EntityRecord): Field[] {
  const shape = entities.find(({ name }) => name === singular)?.fields.shape ?? {}
  const last = ['id', 'created_at', 'updated_at']
  const declared = Object.keys(shape).filter((name) => name in record)
  const others = Object.keys(record).filter((name) => !(name in shape) && !last.includes(name))
  return [...declared, ...others, ...last.filter((name) => name in record)].map((name) => ({
    name,
    about: shape[name]?.description,
    value: record[name],
  }))
}
