import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type {
  ConfigDifference,
  Drift,
  RevisionLine,
} from '../../../src/schema/config-difference.ts'
import { requestJson } from '../api/request-json.ts'

type RevisionPage = { readonly data: readonly RevisionLine[]; readonly current: number }

/** One revision with what it did. */
export type ShownRevision = Omit<RevisionLine, 'kinds' | 'summary'> & ConfigDifference

/** What going back to a revision would change, and the present revision. */
export type Comparison = ConfigDifference & { readonly revision: number }

const size = 50

const placeOf = (workspace: string | undefined): string =>
  workspace === undefined ? '/admin' : `/admin/${encodeURIComponent(workspace)}`

/** Revisions newest first, page by page; of all that the viewer may know, or of one workspace. */
export const revisionsQuery = (workspace: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ['changes', workspace ?? ''],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const below = pageParam === '' ? '' : `&below=${pageParam}`
      const path = `${placeOf(workspace)}/config/revisions?size=${size}${below}`
      return requestJson<RevisionPage>(path, { signal })
    },
    getNextPageParam: ({ data }) => (data.length < size ? undefined : String(data.at(-1)?.number)),
    refetchInterval: 15_000,
  })

/** What a revision did. */
export const revisionQuery = (workspace: string | undefined, number: number) =>
  queryOptions({
    queryKey: ['changes', workspace ?? '', number],
    queryFn: ({ signal }) =>
      requestJson<ShownRevision>(`${placeOf(workspace)}/config/revisions/${number}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })

/** What going back to a revision would change now. */
export const comparisonQuery = (workspace: string | undefined, number: number) =>
  queryOptions({
    queryKey: ['changes', workspace ?? '', number, 'compare'],
    queryFn: ({ signal }) =>
      requestJson<Comparison>(`${placeOf(workspace)}/config/revisions/${number}/compare`, {
        signal,
      }),
    retry: false,
  })

/** What in a workspace is not as it was synced last. */
export const driftQuery = (workspace: string) =>
  queryOptions({
    queryKey: ['changes', workspace, 'drift'],
    queryFn: ({ signal }) => requestJson<Drift>(`${placeOf(workspace)}/config/drift`, { signal }),
    refetchInterval: 15_000,
    retry: false,
  })

/** Goes back to a revision, if the configuration is still as it was compared. */
export const rollBack = (
  workspace: string | undefined,
  { number, seen, message }: { number: number; seen: number; message: string },
): Promise<{ readonly revision: number }> => {
  const query = new URLSearchParams({ revision: String(seen) })
  if (message !== '') query.set('message', message)
  const path = `${placeOf(workspace)}/config/revisions/${number}/rollback?${query}`
  return requestJson(path, { method: 'POST' })
}
