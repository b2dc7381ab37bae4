import { buildPath } from '../access/path.ts'
import type { AccessRequest } from '../access/rights.ts'
import { entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { nameOf } from './redact.ts'
import type { Action } from '../entities/action.ts'
import type { Entry } from '../entities/entry.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'

/** The id is '' when no workspace has the name. */
export type WorkspaceRef = { readonly id: string; readonly name: string }

/** The workspace in which permission is decided: the default one for entities outside workspaces, and a workspace itself for its own entry. */
export function permissionWorkspace(
  entity: EntityName,
  workspaceRef: WorkspaceRef,
  at?: string,
  entry?: Entry,
): WorkspaceRef {
  const { inWorkspace, isWorkspace }: Entity = entityNamed(entity)
  if (inWorkspace) return workspaceRef
  if (isWorkspace !== true || at === undefined) return defaultWorkspace
  return entry === undefined
    ? { id: '', name: at }
    : { id: entry.id, name: entrySegment(entity, entry) }
}

export function buildAsk(
  entity: EntityName,
  entry: Entry | undefined,
  workspace: WorkspaceRef,
  path: string,
  action: Action,
): AccessRequest {
  const ask = { workspace, path, action }
  if (entry === undefined) return ask
  const { plural } = entityNamed(entity)
  return { ...ask, entity: { type: plural, id: entry.id, name: nameOrNull(entity, entry) } }
}

/** The path of the list or item, regardless of the nested path of the request. */
export const canonicalPath = (entity: EntityName, at?: string): string => {
  const list = `/${entityNamed(entity).plural}`
  return at === undefined ? list : `${list}${buildPath(at)}`
}

/** The name or key of the entry, because rules name entries that way, otherwise its id. */
export const entrySegment = (entity: EntityName, entry: Entry): string =>
  nameOf(entityNamed(entity), entry)

function nameOrNull(entity: EntityName, entry: Entry): string | null {
  const name = entrySegment(entity, entry)
  return name === entry.id ? null : name
}
