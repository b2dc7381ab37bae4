import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import {
  entitiesQuery,
  entityLabel,
  type EntityRow,
  maxPageSize,
  referenceId,
  type Selection,
} from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'

const noRows: readonly EntityRow[] = []

/** Rows that a list loads initially, from as many workspaces as necessary. */
const initialRows = 100

type LoadOptions = Pick<Selection, 'search' | 'sort'> & {
  readonly firstSize?: number
  readonly laterSize?: number
  /** Whether the loaded rows suffice; otherwise the next page is loaded. */
  readonly isEnough?: (rows: readonly EntityRow[]) => boolean
}

const hasInitialRows = (rows: readonly EntityRow[]): boolean => rows.length >= initialRows

/** Every page of a collection, as few requests as possible. */
export const completely: LoadOptions = { firstSize: maxPageSize, isEnough: () => false }

/** The entities of a collection in some workspaces, page by page. */
export function useEntities(
  workspaces: readonly string[],
  path: string,
  {
    search = '',
    sort,
    firstSize = initialRows,
    laterSize = maxPageSize,
    isEnough = hasInitialRows,
  }: LoadOptions = {},
) {
  const query = useInfiniteQuery({
    ...entitiesQuery(workspaces, path, { search, sort, sizes: [firstSize, laterSize] }),
    enabled: workspaces.length > 0,
  })
  const { hasNextPage, isFetching, isError, fetchNextPage, data } = query

  const rows = useMemo(() => data?.pages.flatMap((page) => page.rows) ?? noRows, [data])
  const loadsMore = hasNextPage && !isEnough(rows)
  useEffect(() => {
    if (loadsMore && !isFetching && !isError) void fetchNextPage()
  }, [loadsMore, isFetching, isError, fetchNextPage])

  return { ...query, rows, isPending: query.isPending || (rows.length === 0 && hasNextPage) }
}

/** The label of an entity by its ID; undefined where the viewer may not read it or it is not loaded yet. */
export type Names = (id: string | undefined) => string | undefined

/** Resolves the labels of everything that some rows refer to; loads no more pages than necessary. */
export function useNames(workspaces: readonly string[], rows: readonly EntityRow[]): Names {
  const services = useNamesOf(workspaces, rows, 'service', 'services')
  const routes = useNamesOf(workspaces, rows, 'route', 'routes')
  const consumers = useNamesOf(workspaces, rows, 'consumer', 'consumers')
  const groups = useNamesOf(workspaces, rows, 'consumer_group', 'consumer_groups')
  const sets = useNamesOf(workspaces, rows, 'set', 'key-sets')
  return (id) =>
    id === undefined
      ? undefined
      : (services.get(id) ?? routes.get(id) ?? consumers.get(id) ?? groups.get(id) ?? sets.get(id))
}

function useNamesOf(
  workspaces: readonly string[],
  rows: readonly EntityRow[],
  field: string,
  plural: string,
): ReadonlyMap<string, string> {
  const needed = useMemo(
    () => new Set(rows.flatMap(({ entity }) => referenceId(entity, field) ?? [])),
    [rows, field],
  )
  const readable = workspacesWith(useSession(), plural).map(({ name }) => name)
  const sources = needed.size === 0 ? [] : workspaces.filter((name) => readable.includes(name))
  const { rows: loaded } = useEntities(sources, plural, {
    firstSize: maxPageSize,
    isEnough: (found) => hasAll(found, needed),
  })
  return useMemo(
    () => new Map(loaded.map(({ entity }) => [entity.id, entityLabel(entity)])),
    [loaded],
  )
}

function hasAll(rows: readonly EntityRow[], ids: ReadonlySet<string>): boolean {
  const found = rows.filter(({ entity }) => ids.has(entity.id))
  return new Set(found.map(({ entity }) => entity.id)).size === ids.size
}
