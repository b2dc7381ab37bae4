import { join } from 'node:path'
import { Problem } from '../../lib/problem.ts'
import { callAdmin, type AdminAccess } from '../config/admin-client.ts'
import { workspacePath } from '../config/command-options.ts'
import { readDocuments, type Document } from '../config/read-documents.ts'

/** The accounts of the demo. The super-admin creates the workspaces and the other people, who then sync the documents of their own workspace. */
export const demoAccounts = [
  { name: 'admin', password: 'demo-admin-password', token: 'demo-admin-token' },
  { name: 'productx-dev', password: 'demo-productx-password', token: 'demo-productx-dev-token' },
  { name: 'producty-dev', password: 'demo-producty-password', token: 'demo-producty-dev-token' },
] as const

const [admin, productXDeveloper, productYDeveloper] = demoAccounts
const productXOperations = { name: 'productx-ops', token: 'demo-productx-ops-token' } as const

/** Principals other than the super-admin, each with one role of one workspace. */
const people = [
  { ...productXDeveloper, workspace: 'ProductX', role: 'developer' },
  {
    ...productXOperations,
    kind: 'service-account',
    workspace: 'ProductX',
    role: 'workspace-admin',
  },
  { ...productYDeveloper, workspace: 'ProductY', role: 'workspace-admin' },
] as const

/** Documents under `documents/` in the order in which people sync them. */
const syncs = [
  {
    file: 'productx-apis.yaml',
    by: productXDeveloper,
    message: 'ProductX: orders, inventory and search',
  },
  {
    file: 'productx-consumers.yaml',
    by: productXOperations,
    message: 'ProductX: consumers and their limits',
  },
  {
    file: 'producty.yaml',
    by: productYDeveloper,
    message: 'ProductY: payments, billing and users',
  },
] as const

/** Admin API of the node, and the two ports of the sample upstream. */
export type DemoTarget = {
  readonly adminUrl: string
  readonly ports: readonly [number, number]
  /** The identity provider, and the gateway as browsers reach it. */
  readonly issuer?: string
  readonly proxy?: string
}

/** Sets up the demo through the public Admin API; a second run changes only what differs. */
export async function applyDemo(target: DemoTarget): Promise<void> {
  const { adminUrl } = target
  const accessAs = (token: string): AdminAccess => ({ url: adminUrl, token, headers: {} })
  const asAdmin = accessAs(admin.token)
  const roles = readDemoDocument('productx-roles.yaml', target)
  await sync(asAdmin, roles, {
    message: 'ProductX: workspace and developer role',
    rbac_resources_only: 'true',
    keep_rest: 'true',
  })
  await create(asAdmin, '/workspaces', { name: 'ProductY' })
  for (const { name, token, workspace, role, ...rest } of people) {
    await create(asAdmin, '/rbac/users', {
      name,
      user_token: token,
      ...('password' in rest ? { password: rest.password } : {}),
      ...('kind' in rest ? { kind: rest.kind } : {}),
    })
    await create(asAdmin, `/${workspace}/rbac/users/${name}/roles`, { roles: role })
  }
  await create(asAdmin, '/rbac/groups', { name: 'staff' })
  await create(asAdmin, '/ProductX/rbac/groups/staff/roles', { role: 'developer' })
  for (const { file, by, message } of syncs)
    await sync(accessAs(by.token), readDemoDocument(file, target), { message })
}

/** API keys by consumer, as the documents declare them. */
export function readDemoKeys(): Readonly<Record<string, string>> {
  const lists = syncs.map(
    ({ file }) => (readDemoDocument(file, { ports: [0, 0] }) as ConsumersDocument).consumers,
  )
  return Object.fromEntries(
    lists.flatMap((consumers = []) =>
      consumers.map(({ username, keyauth_credentials: [{ key }] }) => [username, key] as const),
    ),
  )
}

type ConsumersDocument = Document & {
  readonly consumers?: readonly {
    readonly username: string
    readonly keyauth_credentials: readonly [{ readonly key: string }]
  }[]
}

/** Three commands to try, each with a description. */
export function demoCommands(
  proxyUrl: string,
): readonly { readonly shows: string; readonly command: string }[] {
  const key = `-H 'apikey: demo-key-visitor'`
  return [
    { shows: 'no key: 401', command: `curl -i ${proxyUrl}/orders` },
    { shows: 'with a key: 200', command: `curl -i ${key} ${proxyUrl}/orders` },
    {
      shows: 'over the limit of 10 a minute: 429',
      command: `curl -s -o /dev/null -w '%{http_code}\\n' ${key} '${proxyUrl}/orders?try=[1-12]'`,
    },
  ]
}

const readDemoDocument = (
  file: string,
  {
    ports: [first, second],
    issuer = 'http://127.0.0.1:8009',
    proxy = 'http://127.0.0.1:8000',
  }: Omit<DemoTarget, 'adminUrl'>,
): Document =>
  readDocuments([join(import.meta.dirname, 'documents', file)], {
    DECK_FIRST_PORT: String(first),
    DECK_SECOND_PORT: String(second),
    DECK_ISSUER: issuer,
    DECK_PROXY: proxy,
  }).document

const sync = (
  access: AdminAccess,
  document: Document,
  query: Readonly<Record<string, string>>,
): Promise<unknown> =>
  callAdmin(access, {
    method: 'POST',
    path: workspacePath(document._workspace, '/config/sync'),
    query,
    body: document,
  })

/** Creates something unless it exists already. */
async function create(access: AdminAccess, path: string, body: unknown): Promise<void> {
  try {
    await callAdmin(access, { method: 'POST', path, body })
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 409) throw error
  }
}
