import type { AccessRequest } from '../../access/rights.ts'
import type { EntityName } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import type { Locating } from '../admin-route.ts'
import { askAbout, homeOf, ownPath, segmentOf } from './entity-paths.ts'

/** The reference by which a nested path stands under another entity. */
export type Under = { readonly field: string; readonly entity: EntityName }

/** The entity above a nested path, and the door at which a rule may forbid to know it. */
export function locateParent(
  { configuration, place, params }: Locating,
  under: Under,
): { parent: Entry | undefined; alias: AccessRequest } {
  const at = params['parent'] ?? ''
  const parent = configuration.find({ entity: under.entity, workspace: place.id, at })
  const segment = parent === undefined ? at : segmentOf(under.entity, parent)
  const alias = askAbout(
    under.entity,
    parent,
    homeOf(under.entity, place, at, parent),
    ownPath(under.entity, segment),
    'read',
  )
  return { parent, alias }
}
