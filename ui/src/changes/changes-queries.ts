import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type {
  ConfigDifference,
  Drift,
  RevisionSummary,
} from '../../../src/schema/config-difference.ts'
import { requestJson } from '../api/request-json.ts'

type RevisionPage = { readonly data: readonly RevisionSummary[]; readonly current: number }

/** A revision as one workspace shows it; undefined means all that the default workspace lets the viewer read. */
export type RevisionRow = { readonly workspace: string | undefined; readonly line: RevisionSummary }

/** One revision with its changes. */
export type ShownRevision = Omit<RevisionSummary, 'kinds' | 'summary'> & ConfigDifference

/** Changes of a rollback, and the current revision. */
export type Comparison = ConfigDifference & { readonly revision: number }

const size = 50

const adminPath = (workspace: string | undefined): string =>
  workspace === undefined ? '/admin' : `/admin/${encodeURIComponent(workspace)}`

/** Revisions of some workspaces, newest first; a revision of several workspaces has a row for each. */
export const revisionsQuery = (workspaces: readonly (string | undefined)[]) =>
  infiniteQueryOptions({
    queryKey: ['changes', workspaces],
    initialPageParam: '',
    queryFn: async ({ pageParam, signal }) => {
      const below = pageParam === '' ? '' : `&below=${pageParam}`
      const pages = await Promise.all(
        workspaces.map(async (workspace) => {
          const path = `${adminPath(workspace)}/config/revisions?size=${size}${below}`
          return { workspace, ...(await requestJson<RevisionPage>(path, { signal })) }
        }),
      )
      return {
        ...newest(pages.map(({ workspace, data }) => data.map((line) => ({ workspace, line })))),
        current: Math.max(0, ...pages.map(({ current }) => current)),
      }
    },
    getNextPageParam: ({ below }) => below,
    refetchInterval: 15_000,
  })

/** The newest rows of several lists, and where the next page begins. Below the last row of a full list, that list is not known yet. */
function newest(lists: readonly (readonly RevisionRow[])[]): {
  readonly rows: readonly RevisionRow[]
  readonly below: string | undefined
} {
  const ends = lists.filter((list) => list.length === size).map((list) => numberOf(list.at(-1)))
  const end = Math.max(0, ...ends)
  const rows = lists
    .flat()
    .filter((row) => numberOf(row) >= end)
    .toSorted((one, other) => numberOf(other) - numberOf(one))
  return { rows, below: ends.length === 0 ? undefined : String(end) }
}

const numberOf = (row: RevisionRow | undefined): number => row?.line.number ?? 0

/** The changes of a revision. */
export const revisionQuery = (workspace: string | undefined, number: number) =>
  queryOptions({
    queryKey: ['changes', workspace ?? '', number],
    queryFn: ({ signal }) =>
      requestJson<ShownRevision>(`${adminPath(workspace)}/config/revisions/${number}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })

/** Changes of a rollback to a revision. */
export const comparisonQuery = (workspace: string | undefined, number: number) =>
  queryOptions({
    queryKey: ['changes', workspace ?? '', number, 'compare'],
    queryFn: ({ signal }) =>
      requestJson<Comparison>(`${adminPath(workspace)}/config/revisions/${number}/compare`, {
        signal,
      }),
    retry: false,
  })

/** Differences of a workspace from its last sync. */
export const driftQuery = (workspace: string) =>
  queryOptions({
    queryKey: ['changes', workspace, 'drift'],
    queryFn: ({ signal }) => requestJson<Drift>(`${adminPath(workspace)}/config/drift`, { signal }),
    refetchInterval: 15_000,
    retry: false,
  })

/** Rolls back to a revision, unless the configuration has changed since the comparison. */
export const rollBack = (
  workspace: string | undefined,
  { number, seen, message }: { number: number; seen: number; message: string },
): Promise<{ readonly revision: number }> => {
  const query = new URLSearchParams({ revision: String(seen) })
  if (message !== '') query.set('message', message)
  const path = `${adminPath(workspace)}/config/revisions/${number}/rollback?${query}`
  return requestJson(path, { method: 'POST' })
}
