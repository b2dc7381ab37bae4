import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { anywhereIndex, referrerIndex, uniqueIndex } from './configuration-view.ts'
import type { IndexName, WantedIndex } from './entry-indexes.ts'
import { uniqueKeys } from './unique-keys.ts'

/** The indexes by which an entry is found by its id, its key and its segment in paths. */
export const lookupIndexes: readonly WantedIndex[] = entities.flatMap(({ name: entity, key }) => [
  { entity, index: 'all' as const },
  { entity, index: 'segment' as const },
  ...(key === undefined ? [] : [{ entity, index: `field:${key}` as const }]),
])

/** The fields that hooks and rights look entries up by in all workspaces (`entriesWith`). */
const fieldsAnywhere: readonly (readonly [EntityName, string])[] = [
  ['service', 'name'],
  ['route', 'name'],
  ['token', 'token'],
  ['identity', 'subject'],
  ['principal', 'email'],
  ['principal', 'custom_id'],
  ['group', 'name'],
  ['entity-permission', 'entity_id'],
  ['endpoint-permission', 'workspace'],
]

/** The indexes that a change of any entity reads. */
export const changeIndexes: readonly WantedIndex[] = [
  ...entities.flatMap((entity: Entity) => {
    const unique = (uniqueKeys.get(entity.name) ?? []).map((key) => uniqueIndex(entity, key))
    const references = Object.keys({ ...entity.refersTo, ...entity.refersToMany }).map((field) =>
      referrerIndex(entity, field),
    )
    const key: IndexName[] = entity.key === undefined ? [] : [`field:${entity.key}`]
    const names = new Set<IndexName>(['all', ...key, ...unique, ...references])
    return [...names].map((index) => ({ entity: entity.name, index }))
  }),
  ...fieldsAnywhere.map(([entity, field]) => ({
    entity,
    index: anywhereIndex(entityNamed(entity), field),
  })),
]
