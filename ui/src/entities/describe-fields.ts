import { certificate } from '../../../src/schema/certificate.ts'
import { consumerGroup } from '../../../src/schema/consumer-group.ts'
import { consumer } from '../../../src/schema/consumer.ts'
import type { Entity } from '../../../src/schema/entity.ts'
import { key, keySet } from '../../../src/schema/key.ts'
import { plugin } from '../../../src/schema/plugin.ts'
import { route } from '../../../src/schema/route.ts'
import { service } from '../../../src/schema/service.ts'
import { upstream } from '../../../src/schema/upstream.ts'
import { vault } from '../../../src/schema/vault.ts'
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

const entities: readonly Entity[] = [
  service,
  route,
  upstream,
  consumer,
  consumerGroup,
  plugin,
  certificate,
  vault,
  key,
  keySet,
]

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
