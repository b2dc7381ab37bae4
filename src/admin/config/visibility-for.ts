import type { AccessRequest } from '../../access/rights.ts'
import type { RevisionViewer } from '../../declarative/revisions.ts'
import type { EntityDifference } from '../../schema/config-difference.ts'
import { entityNamed, toEntityName, type EntityName } from '../../entities/entities.ts'
import { entriesOf, type Entry } from '../../entities/entry.ts'
import type { Action } from '../../entities/action.ts'
import type { RequestContext, WorkspaceRef } from '../admin-route.ts'
import {
  buildAsk,
  permissionWorkspace,
  canonicalPath,
  entrySegment,
} from '../entities/entity-paths.ts'
import { canReadSecrets } from '../entities/can-read-secrets.ts'

type Viewer = Pick<RequestContext, 'configuration' | 'principal'>

/** Visible entries, of the current or an earlier revision, are those that the principal may read at their canonical path. */
export function visibilityFor(viewer: Viewer): Pick<RevisionViewer, 'isVisible' | 'mayList'> {
  const { configuration, principal } = viewer
  return {
    isVisible: (entity, entry) =>
      configuration.decide(principal, { ask: askFor(viewer, entity, entry, 'read') }).allowed,
    mayList(entity, workspace) {
      const scope = permissionWorkspace(entity, findWorkspaceRef(viewer, workspace))
      const ask = { workspace: scope, path: canonicalPath(entity), action: 'read' as const }
      return configuration.decide(principal, { ask }).allowed
    },
  }
}

export const secretsReader =
  (viewer: Viewer & Pick<RequestContext, 'request'>) =>
  (entity: EntityName, entry: Entry): boolean =>
    canReadSecrets(viewer, entityNamed(entity), entry, findWorkspaceRef(viewer, entry.workspace))

/** A bulk change needs the permission of each single change in it. */
export function requiredFor(viewer: Viewer, items: readonly EntityDifference[]): AccessRequest[] {
  const { configuration } = viewer
  const { entries } = configuration.current()
  return items.map(({ kind, entity: name, id, workspace }): AccessRequest => {
    const entity = toEntityName(name)
    const entry = entries.get(entity)?.get(id)
    if (entry !== undefined) {
      return askFor(viewer, entity, entry, kind === 'delete' ? 'delete' : 'update')
    }
    const scope = permissionWorkspace(entity, findWorkspaceRef(viewer, workspace))
    return { workspace: scope, path: canonicalPath(entity), action: 'create' }
  })
}

function askFor(viewer: Viewer, entity: EntityName, entry: Entry, action: Action): AccessRequest {
  const segment = entrySegment(entity, entry)
  const scope = permissionWorkspace(
    entity,
    findWorkspaceRef(viewer, entry.workspace),
    segment,
    entry,
  )
  return buildAsk(entity, entry, scope, canonicalPath(entity, segment), action)
}

function findWorkspaceRef({ configuration }: Viewer, workspace: string | null): WorkspaceRef {
  const { entries } = configuration.current()
  const found = entriesOf(entries, 'workspace').get(workspace ?? '')
  return { id: workspace ?? '', name: found?.fields.name ?? '' }
}
