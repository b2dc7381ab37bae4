import type { Configuration } from '../../control/configuration.ts'
import { entities } from '../../entities/entities.ts'
import type { Session } from '../../schema/session.ts'
import { hasAny } from '../entities/collection-route.ts'
import { readableEntries } from '../entities/may-read-entry.ts'

export function describeSession(
  configuration: Configuration,
  principal: string,
  version: string,
): Session {
  const known = configuration.rightsOf(principal)?.principal
  const held = configuration.rolesOf(principal)
  const mayRead = (workspace: { id: string; name: string }): string[] =>
    entities
      .filter(({ inWorkspace, isPermission }) => inWorkspace && isPermission !== true)
      .filter(({ name, plural }) => {
        const check = { ask: { workspace, path: `/${plural}`, action: 'read' as const } }
        const reader = { configuration, principal, workspaceRef: workspace, check }
        return (
          configuration.decide(principal, check).allowed ||
          hasAny(readableEntries(reader, { entity: name, workspace: workspace.id }))
        )
      })
      .map(({ plural }) => plural)
  const pagesIn = (workspace: { id: string; name: string }): string[] =>
    pages.filter((page) => {
      const ask = { workspace, path: `/${page}`, action: 'read' as const }
      return configuration.decide(principal, { ask }).allowed
    })
  const all = configuration.current().snapshot.workspaces.values()
  const workspaces = [...all]
    .map(({ id, name }) => ({
      id,
      name,
      roles: held.filter(({ workspace }) => workspace.id === id).map(({ role }) => role.name),
      mayRead: [...mayRead({ id, name }), ...pagesIn({ id, name })],
    }))
    .filter(({ mayRead: readable }) => readable.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    principal: { id: principal, name: known?.name ?? '', kind: known?.kind ?? '' },
    workspaces,
    version,
  }
}

/** Readable pages that are not entities. */
const pages = ['audit', 'rbac/explain', 'config/revisions']
