import type { AccessRequest } from '../../access/rights.ts'
import type { EntityName } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import type { PathContext } from '../admin-route.ts'
import {
  buildAsk,
  permissionWorkspace,
  canonicalPath,
  entrySegment,
} from '../../control/entity-paths.ts'

/** The field of a nested entity that refers to its parent. */
export type Under = { readonly field: string; readonly entity: EntityName }

/** `alias` is the read check of the parent, where a rule may deny access to nested entities. */
export function locateParent(
  { configuration, workspaceRef, params }: PathContext,
  under: Under,
): { parent: Entry | undefined; alias: AccessRequest } {
  const at = params['parent'] ?? ''
  const parent = configuration.find({ entity: under.entity, workspace: workspaceRef.id, at })
  const segment = parent === undefined ? at : entrySegment(under.entity, parent)
  const alias = buildAsk(
    under.entity,
    parent,
    permissionWorkspace(under.entity, workspaceRef, at, parent),
    canonicalPath(under.entity, segment),
    'read',
  )
  return { parent, alias }
}
