import type { Ask } from '../../access/rights.ts'
import type { Looking } from '../../declarative/revisions.ts'
import type { EntityDifference } from '../../schema/config-difference.ts'
import { entityNamed, toEntityName, type EntityName } from '../../entities/entities.ts'
import { entriesOf, type Entry } from '../../entities/entry.ts'
import type { Action } from '../../entities/action.ts'
import type { Asked, Place } from '../admin-route.ts'
import { askAbout, homeOf, ownPath, segmentOf } from '../entities/entity-paths.ts'
import { canReadSecrets } from '../entities/can-read-secrets.ts'

type Asker = Pick<Asked, 'configuration' | 'principal'>

/** What an asker may know of a configuration, present or past: what they may read at its own path. */
export function visibilityFor(asker: Asker): Pick<Looking, 'isKnown' | 'mayList'> {
  const { configuration, principal } = asker
  return {
    isKnown: (entity, entry) =>
      configuration.judge(principal, { ask: askOf(asker, entity, entry, 'read') }).allowed,
    mayList(entity, workspace) {
      const home = homeOf(entity, placeOf(asker, workspace))
      const ask = { workspace: home, path: ownPath(entity), action: 'read' as const }
      return configuration.judge(principal, { ask }).allowed
    },
  }
}

/** Whether the secrets of an entry that a principal may read are shown to it. */
export const secretsReader =
  (asker: Asker & Pick<Asked, 'request'>) =>
  (entity: EntityName, entry: Entry): boolean =>
    canReadSecrets(asker, entityNamed(entity), entry, placeOf(asker, entry.workspace))

/** What must be allowed for each of many differences to be made, as if they were made one by one. */
export function requiredFor(asker: Asker, items: readonly EntityDifference[]): Ask[] {
  const { configuration } = asker
  const { entries } = configuration.current()
  return items.map(({ kind, entity: name, id, workspace }): Ask => {
    const entity = toEntityName(name)
    const entry = entries.get(entity)?.get(id)
    if (entry !== undefined) {
      return askOf(asker, entity, entry, kind === 'delete' ? 'delete' : 'update')
    }
    const home = homeOf(entity, placeOf(asker, workspace))
    return { workspace: home, path: ownPath(entity), action: 'create' }
  })
}

function askOf(asker: Asker, entity: EntityName, entry: Entry, action: Action): Ask {
  const segment = segmentOf(entity, entry)
  const home = homeOf(entity, placeOf(asker, entry.workspace), segment, entry)
  return askAbout(entity, entry, home, ownPath(entity, segment), action)
}

function placeOf({ configuration }: Asker, workspace: string | null): Place {
  const { entries } = configuration.current()
  const found = entriesOf(entries, 'workspace').get(workspace ?? '')
  return { id: workspace ?? '', name: found?.fields.name ?? '' }
}
