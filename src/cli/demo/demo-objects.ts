import { consumers } from './callers.ts'

/** One object of the demo as a call of the Admin API. PUT replaces what is there; POST leaves it when it is there already. */
export type AdminCall = {
  readonly method: 'PUT' | 'POST'
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Who may sign in to the demo, and with what: plainly not for use elsewhere. */
export const demoAccounts = [
  { name: 'admin', password: 'demo-admin-password', token: 'demo-admin-token' },
  { name: 'productx-dev', password: 'demo-productx-password', token: 'demo-productx-dev-token' },
] as const

/** What a developer of ProductX may read: everything there but consumers and their credentials. */
const readableEndpoints = [
  '/services',
  '/services/*',
  '/services/*/*',
  '/routes',
  '/routes/*',
  '/routes/*/*',
  '/plugins',
  '/plugins/*',
  '/upstreams',
  '/upstreams/*',
  '/upstreams/*/*',
  '/upstreams/*/*/*',
]

/** Every object of the demo, each after those it refers to; `ports` are those of the sample upstream. */
export function demoObjects(ports: readonly [number, number]): readonly AdminCall[] {
  const objects = [
    ...['ProductX', 'ProductY'].map((name) => put(`/workspaces/${name}`, { comment: 'Demo' })),
    ...ordersPool(ports),
    ...services(ports[0]),
    ...routes,
    ...consumers.flatMap((consumer) => consumerObjects(consumer)),
    ...policies,
    ...people(),
  ]
  return objects
}

const put = (path: string, body: AdminCall['body']): AdminCall => ({ method: 'PUT', path, body })
const post = (path: string, body: AdminCall['body']): AdminCall => ({ method: 'POST', path, body })

function ordersPool(ports: readonly [number, number]): AdminCall[] {
  const pool = '/ProductX/upstreams/orders.productx.demo'
  return [
    put(pool, {}),
    post(`${pool}/targets`, { target: `127.0.0.1:${ports[0]}`, weight: 100 }),
    post(`${pool}/targets`, { target: `127.0.0.1:${ports[1]}`, weight: 50 }),
  ]
}

function services(port: number): AdminCall[] {
  const at = { host: '127.0.0.1', port, retries: 2, read_timeout: 10_000 }
  return [
    put('/ProductX/services/orders', { ...at, host: 'orders.productx.demo' }),
    put('/ProductX/services/inventory', at),
    put('/ProductX/services/search', at),
    put('/ProductY/services/payments', at),
    put('/ProductY/services/billing', at),
    put('/ProductY/services/users', { ...at, path: '/users' }),
  ]
}

const route = (
  workspace: string,
  name: string,
  service: string,
  matching: AdminCall['body'],
): AdminCall =>
  put(`/${workspace}/routes/${name}`, {
    service: { name: service },
    strip_path: false,
    ...matching,
  })

const routes: readonly AdminCall[] = [
  route('ProductX', 'orders', 'orders', { paths: ['/orders'] }),
  route('ProductX', 'order-by-number', 'orders', { paths: ['~/orders/(?<number>\\d+)$'] }),
  route('ProductX', 'order-events', 'orders', { paths: ['/orders/events'], methods: ['GET'] }),
  route('ProductX', 'inventory', 'inventory', { paths: ['/inventory'], methods: ['GET'] }),
  route('ProductX', 'inventory-changes', 'inventory', {
    paths: ['/inventory'],
    methods: ['POST', 'PUT', 'DELETE'],
  }),
  put('/ProductX/routes/stock-retired', { paths: ['/stock/v1'] }),
  route('ProductX', 'search', 'search', { paths: ['/search'] }),
  route('ProductY', 'payments', 'payments', { paths: ['/payments'] }),
  route('ProductY', 'refunds', 'payments', { paths: ['/payments/refunds'], methods: ['POST'] }),
  route('ProductY', 'billing', 'billing', { paths: ['/billing'] }),
  route('ProductY', 'users', 'users', { paths: ['/v1/users'], strip_path: true }),
]

function consumerObjects(consumer: (typeof consumers)[number]): AdminCall[] {
  const { name, workspace, groups, perMinute } = consumer
  const at = `/${workspace}/consumers/${name}`
  const limit = plugin(workspace, `limit-${name}`, 'rate-limiting', {
    consumer: { username: name },
    config: { minute: perMinute },
  })
  return [
    put(at, { tags: ['demo'] }),
    post(`${at}/key-auth`, { key: `demo-key-${name}` }),
    ...groups.map((group) => post(`${at}/acls`, { group })),
    ...(perMinute === undefined ? [] : [limit]),
  ]
}

const plugin = (
  workspace: string,
  instance: string,
  name: string,
  rest: AdminCall['body'],
): AdminCall => put(`/${workspace}/plugins/${instance}`, { name, ...rest })

const policies: readonly AdminCall[] = [
  plugin('ProductX', 'request-numbers', 'correlation-id', {
    config: { header_name: 'x-correlation-id', generator: 'uuid', echo_downstream: true },
  }),
  plugin('ProductX', 'orders-keys', 'key-auth', { service: { name: 'orders' } }),
  plugin('ProductX', 'inventory-keys', 'key-auth', { service: { name: 'inventory' } }),
  plugin('ProductX', 'inventory-changes-by-staff', 'acl', {
    route: { name: 'inventory-changes' },
    config: { allow: ['internal'] },
  }),
  plugin('ProductX', 'inventory-not-for-partners', 'acl', {
    route: { name: 'inventory' },
    config: { deny: ['partners'] },
  }),
  plugin('ProductX', 'search-limit', 'rate-limiting', {
    service: { name: 'search' },
    config: { second: 60, limit_by: 'ip' },
  }),
  plugin('ProductX', 'stock-moved', 'request-termination', {
    route: { name: 'stock-retired' },
    config: { status_code: 503, message: 'Stock has moved to /inventory.' },
  }),
  plugin('ProductY', 'keys', 'key-auth', {}),
  plugin('ProductY', 'refunds-by-staff', 'acl', {
    route: { name: 'refunds' },
    config: { allow: ['internal'] },
  }),
  plugin('ProductY', 'limit', 'rate-limiting', { config: { minute: 3000 } }),
]

function people(): AdminCall[] {
  const [admin, developer] = demoAccounts
  return [
    put('/ProductX/rbac/roles/developer', {
      comment: 'Reads all of ProductX but consumers and their credentials.',
    }),
    ...readableEndpoints.map((endpoint) =>
      post('/ProductX/rbac/roles/developer/endpoints', {
        workspace: 'ProductX',
        endpoint,
        actions: 'read',
      }),
    ),
    ...demoAccounts.flatMap(({ name, password, token }) => [
      put(`/rbac/users/${name}`, { password }),
      post(`/rbac/users/${name}/tokens`, { name: 'demo', token }),
    ]),
    post(`/rbac/users/${admin.name}/roles`, { roles: 'super-admin' }),
    post(`/ProductX/rbac/users/${developer.name}/roles`, { roles: 'developer' }),
  ]
}
