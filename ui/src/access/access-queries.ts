import { queryOptions } from '@tanstack/react-query'
import type { Entitlements, Explanation } from '../../../src/schema/entitlement.ts'
import type { EntityRecord } from '../api/entities.ts'
import { requestJson, send } from '../api/request-json.ts'

const at = (workspace: string, path: string): string =>
  `/admin/${encodeURIComponent(workspace)}${path}`

/** Everybody who may do anything in a workspace, and what. */
export const entitlementsQuery = (workspace: string) =>
  queryOptions({
    queryKey: ['access', workspace, 'entitlements'],
    queryFn: ({ signal }) => requestJson<Entitlements>(at(workspace, '/rbac/explain'), { signal }),
  })

/** A question about one request of one principal. */
export type AccessQuestion = {
  readonly user: string
  readonly method: string
  readonly path: string
}

/** May somebody do something, and by which rule. */
export const explanationQuery = (workspace: string, question: AccessQuestion) =>
  queryOptions({
    queryKey: ['access', workspace, 'explain', question],
    queryFn: ({ signal }) =>
      requestJson<Explanation>(
        `${at(workspace, '/rbac/explain')}?${new URLSearchParams(question)}`,
        { signal },
      ),
    retry: false,
  })

type List = { readonly data: readonly EntityRecord[] }

/** A list under the RBAC paths, whole. */
export const rbacQuery = (workspace: string, path: string) =>
  queryOptions({
    queryKey: ['access', workspace, path],
    queryFn: async ({ signal }) => {
      const { data } = await requestJson<List>(at(workspace, `/rbac/${path}?size=1000`), { signal })
      return data
    },
    retry: false,
  })

/** The roles that a principal has in a workspace. */
export const rolesOfQuery = (workspace: string, user: string) =>
  queryOptions({
    queryKey: ['access', workspace, 'users', user, 'roles'],
    queryFn: async ({ signal }) => {
      const path = at(workspace, `/rbac/users/${encodeURIComponent(user)}/roles`)
      const { roles } = await requestJson<{ roles: readonly EntityRecord[] }>(path, { signal })
      return roles
    },
    retry: false,
  })

/** A change under the RBAC paths; gives what the API answers, or nothing. */
export async function changeRbac(
  method: 'POST' | 'DELETE',
  [workspace, path]: readonly [string, string],
  body?: unknown,
): Promise<EntityRecord | undefined> {
  const response = await send(at(workspace, `/rbac/${path}`), { method, body })
  return response.status === 204 ? undefined : ((await response.json()) as EntityRecord)
}
