import { decide } from '../../access/decide.ts'
import { superAdmins } from '../keep-super-admin.ts'
import { systemPrincipal, type Requester } from '../permit.ts'
import type { State } from '../state/state.ts'
import { canonicalPath } from '../entity-paths.ts'
import type { ChangeAuthor } from './refusals.ts'

/** The permissions of a requester in a state. */
export function authorOf(state: State, requester: Requester): ChangeAuthor {
  if (requester === systemPrincipal) return { isSuperAdmin: () => true, mayRead: () => true }
  return {
    isSuperAdmin: () => superAdmins(state.indexes).includes(requester),
    mayRead({ id, name, workspace }) {
      const rights = state.rightsOf(requester)
      const found = state.snapshot.workspaces.get(workspace)
      if (rights === undefined || found === undefined) return false
      return decide(rights, {
        workspace: { id: found.id, name: found.name },
        path: canonicalPath('route', name ?? id),
        action: 'read',
        entity: { type: 'routes', id, name },
      }).allowed
    },
  }
}
