import type { Ask } from '../access/rights.ts'
import { entityNamed } from '../control/entity-named.ts'
import { nameOf } from '../control/redact.ts'
import type { Action } from '../schema/role.ts'
import type { Entry } from '../schema/entry.ts'
import { defaultWorkspace } from '../schema/workspace.ts'
import type { Place } from './admin-route.ts'

/** A path from segments that may hold slashes themselves. */
export const pathOf = (...segments: readonly string[]): string =>
  `/${segments.map((segment) => segment.replaceAll('/', '%2F')).join('/')}`

/** What belongs to no workspace is decided in the default one, a workspace itself in itself. */
export function homeOf(entity: string, place: Place, at?: string, entry?: Entry): Place {
  if (entityNamed(entity).inWorkspace) return place
  if (entity !== 'workspace' || at === undefined) return defaultWorkspace
  return entry === undefined
    ? { id: '', name: at }
    : { id: entry.id, name: String(entry.fields['name']) }
}

/** An ask about one entity at a path. */
export function askAbout(
  [entity, entry]: readonly [string, Entry | undefined],
  workspace: Place,
  path: string,
  action: Action,
): Ask {
  const ask = { workspace, path, action }
  if (entry === undefined) return ask
  const { plural } = entityNamed(entity)
  return { ...ask, entity: { type: plural, id: entry.id, name: nameIn(entity, entry) } }
}

/** Paths lists and items of an entity begin with, wherever else they are reachable. */
export const ownPath = (entity: string, at?: string): string => {
  const list = `/${entityNamed(entity).plural}`
  return at === undefined ? list : `${list}${pathOf(at)}`
}

/** The last segment of an entry's path, as rules are likely to name it. */
export const segmentOf = (entity: string, entry: Entry): string =>
  nameOf(entityNamed(entity), entry)

function nameIn(entity: string, entry: Entry): string | null {
  const name = segmentOf(entity, entry)
  return name === entry.id ? null : name
}
