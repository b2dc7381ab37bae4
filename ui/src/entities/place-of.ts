import { referenceOf, type EntityRecord } from '../api/entities.ts'
import type { Names } from './use-names.ts'

/** Where a plugin is put, in words: `route list-orders, consumer alice`, or everything. */
export function placeOf(plugin: EntityRecord, names: Names): string {
  const places = ['service', 'route', 'consumer', 'consumer_group'].flatMap((field) => {
    const id = referenceOf(plugin, field)
    return id === undefined ? [] : [`${field.replace('_', ' ')} ${names(id) ?? id.slice(0, 8)}`]
  })
  return places.length === 0 ? 'everything in the workspace' : places.join(', ')
}
