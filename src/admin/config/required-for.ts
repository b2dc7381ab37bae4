import type { AccessRequest } from '../../access/rights.ts'
import { entityNamed, type EntityName } from '../../entities/entities.ts'
import { entriesOf, type Entry, type Touched } from '../../entities/entry.ts'
import { canonicalText } from '../../lib/canonical-text.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import type { Action } from '../../entities/action.ts'
import type { WorkspaceRef } from '../../control/entity-paths.ts'
import type { RequestContext } from '../admin-route.ts'
import {
  buildAsk,
  permissionWorkspace,
  canonicalPath,
  entrySegment,
} from '../../control/entity-paths.ts'
import { canReadSecrets } from '../entities/can-read-secrets.ts'

type Viewer = Pick<RequestContext, 'configuration' | 'principal'>

export const secretsReader =
  (viewer: Viewer & Pick<RequestContext, 'request'>) =>
  (entity: EntityName, entry: Entry): boolean =>
    canReadSecrets(viewer, entityNamed(entity), entry, findWorkspaceRef(viewer, entry.workspace))

/** A bulk change needs the permission of each single change in it. */
export function* requiredFor(
  viewer: Viewer,
  touched: readonly Touched[],
): CooperativeTask<AccessRequest[]> {
  const { entries } = viewer.configuration.current()
  const required: AccessRequest[] = []
  const creations = new Map<string, AccessRequest>()
  for (const { entity, id, before, after } of touched) {
    yield
    if (before !== undefined && after !== undefined && isSame(before, after)) continue
    const entry = entries.get(entity)?.get(id)
    if (entry !== undefined) {
      required.push(askFor(viewer, entity, entry, after === undefined ? 'delete' : 'update'))
      continue
    }
    const workspace = findWorkspaceRef(viewer, after?.workspace ?? null)
    const scope = permissionWorkspace(entity, workspace)
    const place = `${entity} ${workspace.id}`
    creations.set(place, { workspace: scope, path: canonicalPath(entity), action: 'create' })
  }
  return [...required, ...creations.values()]
}

const isSame = (before: Entry, after: Entry): boolean =>
  canonicalText(before.fields) === canonicalText(after.fields)

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
