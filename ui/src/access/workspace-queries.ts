import { queryOptions } from '@tanstack/react-query'
import type { EntityRecord } from '../api/entities.ts'
import { requestJson } from '../api/request-json.ts'

/** The hosts and path prefixes that belong to a workspace. */
export type Ownership = {
  readonly owned_hosts: readonly string[]
  readonly owned_paths: readonly string[]
}

const pathOf = (name: string): string => `/admin/workspaces/${encodeURIComponent(name)}`

export const ownershipQuery = (name: string) =>
  queryOptions({
    queryKey: ['access', name, 'ownership'],
    queryFn: async ({ signal }): Promise<Ownership> => {
      const workspace = await requestJson<EntityRecord>(pathOf(name), { signal })
      return {
        owned_hosts: listIn(workspace, 'owned_hosts'),
        owned_paths: listIn(workspace, 'owned_paths'),
      }
    },
    retry: false,
  })

export const changeOwnership = (name: string, body: Ownership): Promise<unknown> =>
  requestJson(pathOf(name), { method: 'PATCH', body })

const listIn = (workspace: EntityRecord, field: string): readonly string[] => {
  const value = workspace[field]
  return Array.isArray(value) ? value.map(String) : []
}
