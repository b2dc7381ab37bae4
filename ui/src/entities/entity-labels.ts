import { type EntityRecord, referenceId } from '../api/entities.ts'
import type { Names } from './use-entities.ts'

/** The conditions of a route: methods, hosts, paths and header names, or its expression. */
export function routeMatchers(route: EntityRecord): string[] {
  const list = (field: string): string[] =>
    Array.isArray(route[field]) ? route[field].map(String) : []
  const { headers, expression } = route
  if (typeof expression === 'string') return [expression]
  const names = typeof headers === 'object' && headers !== null ? Object.keys(headers) : []
  return [
    ...(list('methods').length > 0 ? [list('methods').join(' ')] : []),
    ...list('hosts'),
    ...list('paths'),
    ...names.map((name) => `${name}: …`),
  ]
}

/** For example `route list-orders, consumer alice`. */
export function pluginScope(plugin: EntityRecord, names: Names): string {
  const scopes = ['service', 'route', 'consumer', 'consumer_group'].flatMap((field) => {
    const id = referenceId(plugin, field)
    return id === undefined ? [] : [`${field.replace('_', ' ')} ${names(id) ?? id.slice(0, 8)}`]
  })
  return scopes.length === 0 ? 'entire workspace' : scopes.join(', ')
}
