import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { entitiesQuery, type Placed } from '../api/entities.ts'

const noRows: readonly Placed[] = []

/** The entities of a collection in some workspaces: page after page, or with `all` every page by itself. */
export function useEntities(workspaces: readonly string[], path: string, all: boolean) {
  const query = useInfiniteQuery({
    ...entitiesQuery(workspaces, path),
    enabled: workspaces.length > 0,
  })
  const { hasNextPage, isFetching, isError, fetchNextPage, data } = query

  useEffect(() => {
    if (all && hasNextPage && !isFetching && !isError) void fetchNextPage()
  }, [all, hasNextPage, isFetching, isError, fetchNextPage])

  const rows = useMemo(() => data?.pages.flatMap((page) => page.rows) ?? noRows, [data])
  return { ...query, rows }
}
