import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'
import { defaultWorkspace } from '../schema/workspace.ts'
import type { Draft } from './draft.ts'
import { schemaViolation } from './kong-problem.ts'
import type { Body } from './operation.ts'

/** Refuses a permission about a workspace or an entity that its role cannot reach. */
export function checkPermission(entity: Entity, entry: Entry, draft: Draft): void {
  if (entity.name === 'endpoint-permission') checkWorkspace(entry, draft)
  if (entity.name === 'entity-permission') checkEntity(entry, draft)
}

/** An endpoint begins with a slash, which a caller may leave out; `*` alone is any path. */
export function expandEndpoint(body: Body): Body {
  const { endpoint } = body
  if (typeof endpoint !== 'string' || endpoint === '*' || endpoint === '') return body
  return { ...body, endpoint: `/${endpoint.replace(/^\/+/, '')}` }
}

function checkWorkspace({ fields, workspace }: Entry, draft: Draft): void {
  const named = fields['workspace']
  if (named === '*') return
  const found = draft
    .all('workspace')
    .find(
      ({ id, fields: { name } }) => (id === named || name === named) && isReached(workspace, id),
    )
  if (found === undefined) {
    throw schemaViolation({ workspace: `the role reaches no workspace '${String(named)}'` })
  }
}

function checkEntity({ fields, workspace }: Entry, draft: Draft): void {
  const id = String(fields['entity_id'])
  if (id === '*') return
  for (const name of draft.entries.keys()) {
    const found = draft.find(name, id.toLowerCase())
    if (found !== undefined && isReached(workspace, found.workspace ?? found.id)) return
  }
  throw schemaViolation({ entity_id: `the role reaches no entity with id '${id}'` })
}

const isReached = (roleWorkspace: string | null, workspace: string): boolean =>
  roleWorkspace === defaultWorkspace.id || roleWorkspace === workspace
