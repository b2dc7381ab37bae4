import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { requestJson } from './request-json.ts'

/** An entity as the Admin API returns it. */
export type EntityRecord = Readonly<Record<string, unknown>> & { readonly id: string }

/** An entity and the name of its workspace. */
export type EntityRow = { readonly workspace: string; readonly entity: EntityRecord }

type Page = { readonly data: readonly EntityRecord[]; readonly offset?: string | null }
type Cursor = { readonly index: number; readonly offset?: string }

/** The largest page that the Admin API returns. */
export const maxPageSize = 1000

/** A field by which the Admin API sorts a collection. */
export type Sort = { readonly by: string; readonly isDescending: boolean }

/** The part of a collection to load. */
export type Selection = {
  /** Only entities that contain these words; a list has the words of each workspace. */
  readonly search?: string | readonly string[]
  /** By ID when absent. */
  readonly sort?: Sort | undefined
  /** Rows of the first page and of each later one. */
  readonly sizes: readonly [first: number, later: number]
}

/** Pages of a collection, one workspace after the other; `path` is for example `services` or `services/orders/routes`. */
export const entitiesQuery = (
  workspaces: readonly string[],
  path: string,
  { search = '', sort, sizes }: Selection,
) =>
  infiniteQueryOptions({
    queryKey: ['entities', workspaces, path, { search, sort }] as const,
    initialPageParam: { index: 0 } as Cursor,
    queryFn: async ({
      pageParam,
      signal,
    }): Promise<{ rows: readonly EntityRow[]; next?: Cursor }> => {
      const workspace = workspaces[pageParam.index]
      if (workspace === undefined) return { rows: [] }
      const isFirst = pageParam.index === 0 && pageParam.offset === undefined
      const url = collectionUrl(workspace, path, {
        ...pageParam,
        size: sizes[isFirst ? 0 : 1],
        search: typeof search === 'string' ? search : (search[pageParam.index] ?? ''),
        sort,
      })
      const page = await requestJson<Page>(url, { signal })
      const rows = page.data.map((entity) => ({ workspace, entity }))
      if (page.offset) return { rows, next: { ...pageParam, offset: page.offset } }
      const index = pageParam.index + 1
      return index < workspaces.length ? { rows, next: { index } } : { rows }
    },
    getNextPageParam: (page) => page.next,
    // Rows of the previous search stay until new ones arrive, except those of another workspace.
    placeholderData: (previous, query) =>
      query !== undefined && isSameCollection(query.queryKey, workspaces, path)
        ? previous
        : undefined,
    // A refetch requests every loaded page again.
    refetchOnWindowFocus: false,
    staleTime: 15_000,
  })

const isSameCollection = (
  [, before, beforePath]: readonly [string, readonly string[], string, unknown],
  workspaces: readonly string[],
  path: string,
): boolean => beforePath === path && before.join('/') === workspaces.join('/')

/** One entity by ID or key. */
export const entityQuery = (workspace: string, plural: string, key: string) =>
  queryOptions({
    queryKey: ['entity', workspace, plural, key],
    queryFn: ({ signal }) =>
      requestJson<EntityRecord>(
        `/admin/${encodeURIComponent(workspace)}/${plural}/${encodeURIComponent(key)}`,
        { signal },
      ),
  })

type CollectionPage = {
  readonly size: number
  readonly offset?: string
  readonly search: string
  readonly sort: Sort | undefined
}

function collectionUrl(
  workspace: string,
  path: string,
  { size, offset, search, sort }: CollectionPage,
): string {
  const parameters = new URLSearchParams({ size: String(size) })
  if (search !== '') parameters.set('search', search)
  if (sort !== undefined) parameters.set('sort_by', sort.by)
  if (sort?.isDescending === true) parameters.set('sort_desc', 'true')
  if (offset !== undefined) parameters.set('offset', offset)
  const steps = path.split('/').map(encodeURIComponent).join('/')
  return `/admin/${encodeURIComponent(workspace)}/${steps}?${parameters}`
}

/** A field as text; '' unless it holds text or a number. */
export const text = (entity: EntityRecord, field: string): string => {
  const value = entity[field]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** The display name of an entity; its ID when it has no name. */
export const entityLabel = (entity: EntityRecord): string =>
  text(entity, 'name') ||
  text(entity, 'username') ||
  text(entity, 'custom_id') ||
  text(entity, 'id')

export function referenceId(entity: EntityRecord, field: string): string | undefined {
  const value = entity[field]
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined
  return typeof value.id === 'string' ? value.id : undefined
}
