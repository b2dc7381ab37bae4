import type { AccessRequest } from '../../access/rights.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import { nameOf } from '../../control/redact.ts'
import type { Action } from '../../entities/action.ts'
import type { Entry } from '../../entities/entry.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { Place } from '../admin-route.ts'

/** A path from segments that may hold slashes themselves. */
export const pathOf = (...segments: readonly string[]): string =>
  `/${segments.map((segment) => segment.replaceAll('/', '%2F')).join('/')}`

/** What belongs to no workspace is decided in the default one, a workspace itself in itself. */
export function homeOf(entity: EntityName, place: Place, at?: string, entry?: Entry): Place {
  const { inWorkspace, isWorkspace }: Entity = entityNamed(entity)
  if (inWorkspace) return place
  if (isWorkspace !== true || at === undefined) return defaultWorkspace
  return entry === undefined
    ? { id: '', name: at }
    : { id: entry.id, name: segmentOf(entity, entry) }
}

/** An ask about one entity at a path. */
export function askAbout(
  entity: EntityName,
  entry: Entry | undefined,
  workspace: Place,
  path: string,
  action: Action,
): AccessRequest {
  const ask = { workspace, path, action }
  if (entry === undefined) return ask
  const { plural } = entityNamed(entity)
  return { ...ask, entity: { type: plural, id: entry.id, name: nameIn(entity, entry) } }
}

/** Paths lists and items of an entity begin with, wherever else they are reachable. */
export const ownPath = (entity: EntityName, at?: string): string => {
  const list = `/${entityNamed(entity).plural}`
  return at === undefined ? list : `${list}${pathOf(at)}`
}

/** The last segment of an entry's path, as rules are likely to name it. */
export const segmentOf = (entity: EntityName, entry: Entry): string =>
  nameOf(entityNamed(entity), entry)

function nameIn(entity: EntityName, entry: Entry): string | null {
  const name = segmentOf(entity, entry)
  return name === entry.id ? null : name
}
