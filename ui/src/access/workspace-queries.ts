import { queryOptions } from '@tanstack/react-query'
import type { EntityRecord } from '../api/entities.ts'
import { requestJson } from '../api/request-json.ts'

/** The hosts and path prefixes that belong to a workspace, and for how many days its requests are kept. */
export type WorkspaceSettings = {
  readonly owned_hosts: readonly string[]
  readonly owned_paths: readonly string[]
  /** Undefined where the default of the warehouse applies. */
  readonly retention_days: number | undefined
}

const pathOf = (name: string): string => `/admin/workspaces/${encodeURIComponent(name)}`

export const workspaceQuery = (name: string) =>
  queryOptions({
    queryKey: ['access', name, 'settings'],
    queryFn: async ({ signal }): Promise<WorkspaceSettings> => {
      const workspace = await requestJson<EntityRecord>(pathOf(name), { signal })
      return {
        owned_hosts: listIn(workspace, 'owned_hosts'),
        owned_paths: listIn(workspace, 'owned_paths'),
        retention_days: numberIn(workspace, 'retention_days'),
      }
    },
    retry: false,
  })

export const changeWorkspace = (name: string, settings: WorkspaceSettings): Promise<unknown> =>
  requestJson(pathOf(name), {
    method: 'PATCH',
    body: { ...settings, retention_days: settings.retention_days ?? null },
  })

const listIn = (workspace: EntityRecord, field: string): readonly string[] => {
  const value = workspace[field]
  return Array.isArray(value) ? value.map(String) : []
}

const numberIn = (workspace: EntityRecord, field: string): number | undefined => {
  const value = workspace[field]
  return typeof value === 'number' ? value : undefined
}
