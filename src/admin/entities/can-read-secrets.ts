import type { Entity } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import type { Asked, Place } from '../admin-route.ts'
import { askAbout, homeOf, ownPath, segmentOf } from './entity-paths.ts'
import { isOfBrowser } from '../authorize.ts'

/** Whether a principal who may read an entry at a place is shown its secrets: where they are revealed to readers, or the principal may change it. What only writers are shown never goes to a browser, where pages and extensions could read it. */
export function canReadSecrets(
  { configuration, principal, request }: Pick<Asked, 'configuration' | 'principal' | 'request'>,
  { name, reveals }: Entity,
  entry: Entry,
  place: Place,
): boolean {
  if (reveals !== 'writers') return reveals === 'readers'
  if (isOfBrowser(request)) return false
  const segment = segmentOf(name, entry)
  const home = homeOf(name, place, segment, entry)
  const ask = askAbout(name, entry, home, ownPath(name, segment), 'update')
  return configuration.decide(principal, { ask }).allowed
}
