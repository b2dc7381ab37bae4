import type { Ask } from '../../access/rights.ts'
import { entityNamed } from '../../control/entity-named.ts'
import type { Looking } from '../../declarative/revisions.ts'
import type { EntityDifference } from '../../schema/config-difference.ts'
import type { Entry } from '../../schema/entry.ts'
import type { Action } from '../../schema/role.ts'
import type { Asked, Place } from '../admin-route.ts'
import { isOfBrowser } from '../authorize.ts'
import { askAbout, homeOf, ownPath, segmentOf } from '../ask-of.ts'

type Asker = Pick<Asked, 'configuration' | 'principal'>

/** What an asker may know of a configuration, present or past: what they may read at its own path. */
export function knownTo(asker: Asker): Pick<Looking, 'isKnown' | 'mayList'> {
  const { configuration, principal } = asker
  return {
    isKnown: (entity, entry) =>
      configuration.judge(principal, { ask: askOf(asker, [entity, entry], 'read') }).allowed,
    mayList(entity, workspace) {
      const home = homeOf(entity, placeOf(asker, workspace))
      const ask = { workspace: home, path: ownPath(entity), action: 'read' as const }
      return configuration.judge(principal, { ask }).allowed
    },
  }
}

/** Whether an asker who may read an entry is told its secrets: where they are revealed to readers, or the asker may change it and is no browser. */
export const maySeeSecrets =
  (asker: Asker & Pick<Asked, 'request'>) =>
  (entity: string, entry: Entry): boolean => {
    const { reveals } = entityNamed(entity)
    if (reveals !== 'writers') return reveals === 'readers'
    if (isOfBrowser(asker.request)) return false
    const ask = askOf(asker, [entity, entry], 'update')
    return asker.configuration.judge(asker.principal, { ask }).allowed
  }

/** What must be allowed for each of many differences to be made, as if they were made one by one. */
export function asksFor(asker: Asker, items: readonly EntityDifference[]): Ask[] {
  const { configuration } = asker
  const { entries } = configuration.current()
  return items.map(({ kind, entity, id, workspace }): Ask => {
    const entry = entries.get(entity)?.get(id)
    if (entry !== undefined) {
      return askOf(asker, [entity, entry], kind === 'delete' ? 'delete' : 'update')
    }
    const home = homeOf(entity, placeOf(asker, workspace))
    return { workspace: home, path: ownPath(entity), action: 'create' }
  })
}

function askOf(asker: Asker, [entity, entry]: readonly [string, Entry], action: Action): Ask {
  const segment = segmentOf(entity, entry)
  const home = homeOf(entity, placeOf(asker, entry.workspace), segment, entry)
  return askAbout([entity, entry], home, ownPath(entity, segment), action)
}

function placeOf({ configuration }: Asker, workspace: string | null): Place {
  const { entries } = configuration.current()
  const found = entries.get('workspace')?.get(workspace ?? '')
  return found === undefined
    ? { id: workspace ?? '', name: '' }
    : { id: found.id, name: String(found.fields['name']) }
}
