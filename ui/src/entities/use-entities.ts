import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { entitiesQuery, entityLabel, type EntityRow } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'

const noRows: readonly EntityRow[] = []

/** So many rows are loaded by themselves, from as many workspaces as it takes. */
const fewest = 100

/** The entities of a collection in some workspaces: page after page, or with `all` every page by itself. */
export function useEntities(workspaces: readonly string[], path: string, all: boolean) {
  const query = useInfiniteQuery({
    ...entitiesQuery(workspaces, path),
    enabled: workspaces.length > 0,
  })
  const { hasNextPage, isFetching, isError, fetchNextPage, data } = query

  const rows = useMemo(() => data?.pages.flatMap((page) => page.rows) ?? noRows, [data])
  const wantsMore = all || rows.length < fewest
  useEffect(() => {
    if (wantsMore && hasNextPage && !isFetching && !isError) void fetchNextPage()
  }, [wantsMore, hasNextPage, isFetching, isError, fetchNextPage])

  return { ...query, rows, isPending: query.isPending || (rows.length === 0 && hasNextPage) }
}

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
  return new Map(rows.map(({ entity }) => [entity.id, entityLabel(entity)]))
}
