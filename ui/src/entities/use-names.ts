import { labelOf } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { useEntities } from './use-entities.ts'

/** Gives the label of the entity with an id, where the viewer may read it and it has been loaded. */
export type Names = (id: string | undefined) => string | undefined

/** The labels of every entity of some kinds in some workspaces. */
export function useNames(
  workspaces: readonly string[],
  kinds: Readonly<Record<'services' | 'routes' | 'consumers', boolean>>,
): Names {
  const services = useNamesOf(workspaces, 'services', kinds.services)
  const routes = useNamesOf(workspaces, 'routes', kinds.routes)
  const consumers = useNamesOf(workspaces, 'consumers', kinds.consumers)
  return (id) =>
    id === undefined ? undefined : (services.get(id) ?? routes.get(id) ?? consumers.get(id))
}

function useNamesOf(workspaces: readonly string[], plural: string, wanted: boolean) {
  const readable = workspacesWith(useSession(), plural).map(({ name }) => name)
  const asked = wanted ? workspaces.filter((name) => readable.includes(name)) : []
  const { rows } = useEntities(asked, plural, true)
  return new Map(rows.map(({ entity }) => [entity.id, labelOf(entity)]))
}
