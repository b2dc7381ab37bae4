import { type EntityRecord, referenceId } from '../api/entities.ts'
import type { Names } from './use-entities.ts'

/** What a route matches, one word each: methods first, then hosts, paths and headers. */
export function routeMatchers(route: EntityRecord): string[] {
  const list = (field: string): string[] =>
    Array.isArray(route[field]) ? route[field].map(String) : []
  const { headers } = route
  const names = typeof headers === 'object' && headers !== null ? Object.keys(headers) : []
  return [
    ...(list('methods').length > 0 ? [list('methods').join(' ')] : []),
    ...list('hosts'),
    ...list('paths'),
    ...names.map((name) => `${name}: …`),
  ]
}

/** Where a plugin is put, in words: `route list-orders, consumer alice`, or everything. */
export function placeOf(plugin: EntityRecord, names: Names): string {
  const places = ['service', 'route', 'consumer', 'consumer_group'].flatMap((field) => {
    const id = referenceId(plugin, field)
    return id === undefined ? [] : [`${field.replace('_', ' ')} ${names(id) ?? id.slice(0, 8)}`]
  })
  return places.length === 0 ? 'everything in the workspace' : places.join(', ')
}
