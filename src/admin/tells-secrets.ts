import { entityNamed } from '../control/entity-named.ts'
import type { Entry } from '../schema/entry.ts'
import type { Asked, Place } from './admin-route.ts'
import { askAbout, homeOf, ownPath, segmentOf } from './ask-of.ts'
import { isOfBrowser } from './authorize.ts'

/** Whether an asker who may read an entry at a place is told its secrets: where they are revealed to readers, or the asker may change it. What only writers are told never goes to a browser, where pages and extensions could read it. */
export function tellsSecrets(
  { configuration, principal, request }: Pick<Asked, 'configuration' | 'principal' | 'request'>,
  [entity, entry]: readonly [string, Entry],
  place: Place,
): boolean {
  const { reveals } = entityNamed(entity)
  if (reveals !== 'writers') return reveals === 'readers'
  if (isOfBrowser(request)) return false
  const segment = segmentOf(entity, entry)
  const home = homeOf(entity, place, segment, entry)
  const ask = askAbout([entity, entry], home, ownPath(entity, segment), 'update')
  return configuration.judge(principal, { ask }).allowed
}
