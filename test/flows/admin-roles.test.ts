import { afterAll, expect, test } from 'vitest'
import { adminRoutes } from '../../src/admin/open-admin.ts'
import { startTestAdmin } from './admin-harness.ts'
import { makeParents } from './admin-samples.ts'

const admin = await startTestAdmin()
afterAll(admin.close)

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
type Method = (typeof methods)[number]

const paths = adminRoutes({ version: '', node: '', requests: () => 0 }).map(({ path }) => path)

/** The default roles; some exist only in the default workspace. */
type Role = {
  readonly name: string
  readonly workspace: 'default' | 'ProductX'
  readonly may: 'everything' | 'all but RBAC' | 'reading'
}

const roles: readonly Role[] = [
  { name: 'super-admin', workspace: 'default', may: 'everything' },
  { name: 'admin', workspace: 'default', may: 'all but RBAC' },
  { name: 'read-only', workspace: 'default', may: 'reading' },
  { name: 'workspace-super-admin', workspace: 'ProductX', may: 'everything' },
  { name: 'workspace-admin', workspace: 'ProductX', may: 'all but RBAC' },
  { name: 'workspace-read-only', workspace: 'ProductX', may: 'reading' },
]

const isRbac = (path: string): boolean => /^\/(rbac|groups|admins)(\/|$)/.test(path)

/** Entities outside workspaces are decided in the default workspace. */
const isGlobal = (path: string): boolean =>
  [
    /^\/workspaces(\/:item)?$/,
    /^\/ca_certificates(\/:item)?$/,
    /\/:item\/ca_certificate$/,
    /^\/rbac\/users(\/:item|\/:parent\/(tokens|identities|sessions|second-factor).*)?$/,
    /^\/rbac\/explain-token$/,
    /^\/(rbac\/)?groups(\/:item)?$/,
    /^\/admins(\/:item(\/workspaces)?)?$/,
    /^\/audit\/(chain|verify)$/,
    /^\/warehouse(\/|$)/,
  ].some((pattern) => pattern.test(path))

/** Backups and erasures concern the traffic of all workspaces. */
const isForSuperAdmins = (method: Method, path: string): boolean =>
  method === 'POST' && /^\/warehouse\/(backups|erasures)(\/|$)/.test(path)

/** Validation changes nothing; some paths require `update` for every method. */
const isReading = (method: Method, path: string): boolean =>
  /^\/(schemas\/.*validate|config\/(diff|validate|preview)|rbac\/explain-token)$/.test(path) ||
  (method === 'GET' && !/^\/config\/(sync|revisions\/.*rollback)$/.test(path))

/** Filtered lists, which show only readable entries. */
const showsOwn = (method: Method, path: string): boolean =>
  method === 'GET' && ['/workspaces', '/audit', '/audit/requests', '/audit/objects'].includes(path)

/** The expected decision of each default role. */
function mayAsk(role: Role, [method, path]: readonly [Method, string], place: string): boolean {
  if (role.may === 'reading' && !isReading(method, path)) return false
  if (role.may === 'all but RBAC' && isRbac(path)) return false
  if (role.name !== 'super-admin' && isForSuperAdmins(method, path)) return false
  if (role.workspace === 'default') return true
  const decidedIn = isGlobal(path) ? 'default' : place
  if (decidedIn === role.workspace) return true
  return showsOwn(method, path) && (place === 'default' || place === role.workspace)
}

/** Names nothing that exists and sends an invalid body, so that the requests change nothing. */
const filled = (path: string): string => path.replaceAll(/:\w+/g, 'absent').replace('*', 'absent')
const body = { bogus: true }

test.each(roles)(
  'the role $name allows exactly its actions on every path',
  async (role) => {
    await makeParents(admin, 'ProductX')
    await makeParents(admin, 'ProductY')
    const token = `token-of-${role.name}-0123456789`
    await admin.ask('POST', '/rbac/users', { name: `of-${role.name}`, user_token: token })
    await admin.ask('POST', `/${role.workspace}/rbac/users/of-${role.name}/roles`, {
      roles: role.name,
    })
    const before = admin.configuration.current().revision
    const wrong: string[] = []
    for (const path of paths) {
      await Promise.all(
        ['default', 'ProductX', 'ProductY'].flatMap((place) =>
          methods.map(async (method) => {
            const url = `${place === 'default' ? '' : `/${place}`}${filled(path)}`
            const sent = method === 'GET' || method === 'DELETE' ? undefined : body
            const { status } = await admin.ask(method, url, sent, { token })
            const wasAllowed = ![401, 403].includes(status)
            const should = mayAsk(role, [method, path], place)
            if (wasAllowed !== should || status === 500) wrong.push(`${method} ${url}: ${status}`)
          }),
        ),
      )
    }
    expect(wrong).toEqual([])
    expect(admin.configuration.current().revision).toBe(before)
  },
  120_000,
)
