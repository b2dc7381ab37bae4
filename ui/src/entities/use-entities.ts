import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { entitiesQuery, type Placed } from '../api/entities.ts'

const noRows: readonly Placed[] = []

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
