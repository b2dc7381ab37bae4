import { labelOf } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { useEntities } from './use-entities.ts'

/** Gives the label of the entity with an id, where the viewer may read it and it has been loaded. */
export type Names = (id: string | undefined) => string | undefined

type NamedKind = 'services' | 'routes' | 'consumers' | 'consumer_groups' | 'key-sets'

/** The labels of every entity of some kinds in some workspaces. */
export function useNames(
  workspaces: readonly string[],
  kinds: Readonly<Record<NamedKind, boolean>>,
): Names {
  const services = useNamesOf(workspaces, 'services', kinds.services)
  const routes = useNamesOf(workspaces, 'routes', kinds.routes)
  const consumers = useNamesOf(workspaces, 'consumers', kinds.consumers)
  const groups = useNamesOf(workspaces, 'consumer_groups', kinds.consumer_groups)
  const sets = useNamesOf(workspaces, 'key-sets', kinds['key-sets'])
  const all = [services, routes, consumers, groups, sets]
  return (id) =>
    id === undefined
      ? undefined
      : all.map((names) => names.get(id)).find((name) => name !== undefined)
}

function useNamesOf(workspaces: readonly string[], plural: string, wanted: boolean) {
  const readable = workspacesWith(useSession(), plural).map(({ name }) => name)
  const asked = wanted ? workspaces.filter((name) => readable.includes(name)) : []
  const { rows } = useEntities(asked, plural, true)
  return new Map(rows.map(({ entity }) => [entity.id, labelOf(entity)]))
}
