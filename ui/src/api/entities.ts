import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { requestJson } from './request-json.ts'

/** An entity as the Admin API returns it. */
export type EntityRecord = Readonly<Record<string, unknown>> & { readonly id: string }

/** An entity and the name of its workspace. */
export type EntityRow = { readonly workspace: string; readonly entity: EntityRecord }

type Page = { readonly data: readonly EntityRecord[]; readonly offset?: string | null }
type Cursor = { readonly index: number; readonly offset?: string }

/** The largest page that the Admin API returns. */
const maxPageSize = 1000

/** Pages of a collection, one workspace after the other; `path` is for example `services` or `services/orders/routes`. */
export const entitiesQuery = (workspaces: readonly string[], path: string, firstSize: number) =>
  infiniteQueryOptions({
    queryKey: ['entities', workspaces, path],
    initialPageParam: { index: 0 } as Cursor,
    queryFn: async ({
      pageParam,
      signal,
    }): Promise<{ rows: readonly EntityRow[]; next?: Cursor }> => {
      const workspace = workspaces[pageParam.index]
      if (workspace === undefined) return { rows: [] }
      const isFirst = pageParam.index === 0 && pageParam.offset === undefined
      const size = isFirst ? firstSize : maxPageSize
      const url = collectionUrl(workspace, path, { ...pageParam, size })
      const page = await requestJson<Page>(url, { signal })
      const rows = page.data.map((entity) => ({ workspace, entity }))
      if (page.offset) return { rows, next: { ...pageParam, offset: page.offset } }
      const index = pageParam.index + 1
      return index < workspaces.length ? { rows, next: { index } } : { rows }
    },
    getNextPageParam: (page) => page.next,
    // A refetch requests every loaded page again.
    refetchOnWindowFocus: false,
    staleTime: 15_000,
  })

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

function collectionUrl(
  workspace: string,
  path: string,
  { size, offset }: { readonly size: number; readonly offset?: string },
): string {
  const parameters = new URLSearchParams({ size: String(size) })
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
