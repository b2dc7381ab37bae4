import type { EntityRecord } from '../api/entities.ts'

/** What a route matches, one word each: methods first, then hosts, paths and headers. */
export function matchersOf(route: EntityRecord): string[] {
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
