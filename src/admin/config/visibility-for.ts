import type { AccessRequest } from '../../access/rights.ts'
import type { Looking } from '../../declarative/revisions.ts'
import type { EntityDifference } from '../../schema/config-difference.ts'
import { entityNamed, toEntityName, type EntityName } from '../../entities/entities.ts'
import { entriesOf, type Entry } from '../../entities/entry.ts'
import type { Action } from '../../entities/action.ts'
import type { Asked, Place } from '../admin-route.ts'
import { askAbout, homeOf, ownPath, segmentOf } from '../entities/entity-paths.ts'
import { canReadSecrets } from '../entities/can-read-secrets.ts'

type Viewer = Pick<Asked, 'configuration' | 'principal'>

/** The entries of a configuration, present or past, that a principal may know: those it may read at their own path. */
export function visibilityFor(viewer: Viewer): Pick<Looking, 'isKnown' | 'mayList'> {
  const { configuration, principal } = viewer
  return {
    isKnown: (entity, entry) =>
      configuration.decide(principal, { ask: askFor(viewer, entity, entry, 'read') }).allowed,
    mayList(entity, workspace) {
      const home = homeOf(entity, workspaceRef(viewer, workspace))
      const ask = { workspace: home, path: ownPath(entity), action: 'read' as const }
      return configuration.decide(principal, { ask }).allowed
    },
  }
}

/** Whether the secrets of an entry that a principal may read are shown to it. */
export const secretsReader =
  (viewer: Viewer & Pick<Asked, 'request'>) =>
  (entity: EntityName, entry: Entry): boolean =>
    canReadSecrets(viewer, entityNamed(entity), entry, workspaceRef(viewer, entry.workspace))

/** What must be allowed for each of many differences to be made, as if they were made one by one. */
export function requiredFor(viewer: Viewer, items: readonly EntityDifference[]): AccessRequest[] {
  const { configuration } = viewer
  const { entries } = configuration.current()
  return items.map(({ kind, entity: name, id, workspace }): AccessRequest => {
    const entity = toEntityName(name)
    const entry = entries.get(entity)?.get(id)
    if (entry !== undefined) {
      return askFor(viewer, entity, entry, kind === 'delete' ? 'delete' : 'update')
    }
    const home = homeOf(entity, workspaceRef(viewer, workspace))
    return { workspace: home, path: ownPath(entity), action: 'create' }
  })
}

function askFor(viewer: Viewer, entity: EntityName, entry: Entry, action: Action): AccessRequest {
  const segment = segmentOf(entity, entry)
  const home = homeOf(entity, workspaceRef(viewer, entry.workspace), segment, entry)
  return askAbout(entity, entry, home, ownPath(entity, segment), action)
}

function workspaceRef({ configuration }: Viewer, workspace: string | null): Place {
  const { entries } = configuration.current()
  const found = entriesOf(entries, 'workspace').get(workspace ?? '')
  return { id: workspace ?? '', name: found?.fields.name ?? '' }
}
