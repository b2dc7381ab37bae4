import { queryOptions } from '@tanstack/react-query'
import type {
  EntitlementRow,
  Entitlements,
  ExplainedToken,
  Explanation,
} from '../../../src/schema/entitlement.ts'
import type { EntityRecord } from '../api/entities.ts'
import { requestJson, send } from '../api/request-json.ts'

const adminPath = (workspace: string, path: string): string =>
  `/admin/${encodeURIComponent(workspace)}${path}`

/** Every principal with permissions in a workspace, and what each may do. */
export const entitlementsQuery = (workspace: string) =>
  queryOptions({
    queryKey: ['access', workspace, 'entitlements'],
    queryFn: ({ signal }) =>
      requestJson<Entitlements>(adminPath(workspace, '/rbac/explain'), { signal }),
    staleTime: 10_000,
  })

/** One request of one principal. */
export type AccessCheck = {
  readonly user: string
  readonly method: string
  readonly path: string
}

/** Whether a principal may send a request, and the rule that decides it. */
export const explanationQuery = (workspace: string, check: AccessCheck) =>
  queryOptions({
    queryKey: ['access', workspace, 'explain', check],
    queryFn: ({ signal }) =>
      requestJson<Explanation>(
        `${adminPath(workspace, '/rbac/explain')}?${new URLSearchParams(check)}`,
        { signal },
      ),
    retry: false,
  })

/** The effect of an access token of the identity provider. */
export const explainToken = (token: string): Promise<ExplainedToken> =>
  requestJson<ExplainedToken>('/admin/rbac/explain-token', { method: 'POST', body: { token } })

type List = { readonly data: readonly EntityRecord[]; readonly offset?: string | null }

/** A complete list under the RBAC paths. */
export const rbacQuery = (workspace: string, path: string) =>
  queryOptions({
    queryKey: ['access', workspace, path],
    queryFn: async ({ signal }) => {
      const found: EntityRecord[] = []
      for (let offset: string | undefined = ''; offset !== undefined;) {
        const parameters = new URLSearchParams({
          size: '1000',
          ...(offset === '' ? {} : { offset }),
        })
        const url = `${adminPath(workspace, `/rbac/${path}`)}?${parameters}`
        const page: List = await requestJson<List>(url, { signal })
        found.push(...page.data)
        offset = page.offset ?? undefined
      }
      return found
    },
    retry: false,
  })

/** The roles of a principal in a workspace. */
export const rolesOfQuery = (workspace: string, user: string) =>
  queryOptions({
    queryKey: ['access', workspace, 'users', user, 'roles'],
    queryFn: async ({ signal }) => {
      const path = adminPath(workspace, `/rbac/users/${encodeURIComponent(user)}/roles`)
      const { roles } = await requestJson<{ roles: readonly EntityRecord[] }>(path, { signal })
      return roles
    },
    retry: false,
  })

/** Changes something under the RBAC paths; resolves to the created entity, if any. */
export async function changeRbac(
  method: 'POST' | 'DELETE',
  workspace: string,
  path: string,
  body?: unknown,
): Promise<EntityRecord | undefined> {
  const response = await send(adminPath(workspace, `/rbac/${path}`), { method, body })
  return response.status === 204 ? undefined : ((await response.json()) as EntityRecord)
}

/** The role names of a principal in one workspace; roles from other workspaces and groups are marked. */
export const roleLabels = ({ roles }: EntitlementRow, workspace: string): string[] =>
  roles.map(({ name, workspace: home, group }) => {
    const origin = home === workspace ? '' : ` (${home})`
    return `${name}${origin}${group === undefined ? '' : ` via group ${group}`}`
  })
