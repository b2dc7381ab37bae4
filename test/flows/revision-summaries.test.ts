import { expect, test } from 'vitest'
import { addPrincipal, openTestAdmin, type TestAdmin } from './admin-harness.ts'

const newest = async (admin: TestAdmin, token?: string): Promise<string | null | undefined> =>
  (await admin.ask('GET', '/config/revisions?size=1', undefined, { token })).body.data[0]?.summary

test('a revision of one change is summarized by the names in it', async () => {
  const admin = await openTestAdmin()
  const { ask } = admin
  const steps: readonly (readonly [string, Record<string, unknown>, string | RegExp])[] = [
    ['/workspaces', { name: 'ProductX' }, /^Create workspace ProductX$|roles/],
    ['/services', { name: 'orders', host: 'h' }, 'Create service orders'],
    ['/routes', { paths: ['/stray'] }, 'Create route /stray'],
    ['/consumers', { username: 'alice' }, 'Create consumer alice'],
    ['/consumers/alice/acls', { group: 'staff' }, 'Create acl staff of alice'],
    ['/consumers/alice/key-auth', { key: 'secret-key' }, 'Create key auth of alice'],
    ['/consumer_groups', { name: 'gold' }, 'Create consumer group gold'],
    ['/consumer_groups/gold/consumers', { consumer: 'alice' }, 'Create group member alice of gold'],
    ['/upstreams', { name: 'pool.test' }, 'Create upstream pool.test'],
    [
      '/upstreams/pool.test/targets',
      { target: '10.0.0.1' },
      'Create target 10.0.0.1:8000 of pool.test',
    ],
    ['/services/orders/plugins', { name: 'plain' }, 'Create plugin plain on service orders'],
    ['/plugins', { name: 'plain' }, 'Create plugin plain'],
    ['/rbac/users', { name: 'ann' }, 'Create principal ann'],
    ['/ProductX/rbac/roles', { name: 'developer' }, 'Create role developer'],
    [
      '/ProductX/rbac/roles/developer/endpoints',
      { endpoint: '/routes/*', actions: 'read' },
      'Create endpoint permission for /routes/* (read) of developer',
    ],
    [
      '/ProductX/rbac/users/ann/roles',
      { roles: 'developer' },
      'Create grant of developer in ProductX to ann',
    ],
    ['/rbac/users/ann/tokens', { name: 'laptop' }, 'Create token laptop of ann'],
    ['/rbac/groups', { name: 'team' }, 'Create group team'],
    [
      '/rbac/users',
      { name: 'bob', user_token: 'token-of-bob-0123456789' },
      'Create principal bob and token user_token of bob',
    ],
  ]
  for (const [path, body, summary] of steps) {
    const { status, text } = await ask('POST', path, body)
    expect([path, status, text]).toEqual([path, 201, text])
    expect(await newest(admin)).toMatch(summary)
  }
  await ask('DELETE', '/consumers/alice/acls/staff')
  expect(await newest(admin)).toBe('Delete acl staff of alice')
})

test('a revision of many changes is summarized by their number', async () => {
  const admin = await openTestAdmin()
  const document = (services: number) => ({
    _format_version: '3.0',
    services: Array.from({ length: services }, (_, at) => ({
      name: `s${at}`,
      host: 'h',
      routes: [{ name: `r${at}`, paths: [`/${at}`] }],
    })),
    plugins: [{ name: 'plain' }],
  })
  await admin.ask('POST', '/config/sync', document(3))
  expect(await newest(admin)).toBe('Create 3 services, 3 routes and 1 plugin')
  await admin.ask('POST', '/config/sync', { ...document(1), upstreams: [{ name: 'pool.test' }] })
  expect(await newest(admin)).toBe('Create 1 upstream, delete 2 services and 2 routes')
})

test('a summary has no name that its reader may not read', async () => {
  const admin = await openTestAdmin()
  const reader = await addPrincipal(admin, {
    name: 'reader',
    workspace: 'default',
    endpoints: [
      { endpoint: '/config/*', actions: 'read' },
      { endpoint: '/plugins', actions: 'read' },
      { endpoint: '/plugins/*', actions: 'read' },
      { endpoint: '/consumers', actions: 'read' },
      { endpoint: '/consumers/*', actions: 'read' },
      { endpoint: '/consumers/hidden', actions: 'read', negative: true },
    ],
  })
  const { body: service } = await admin.ask('POST', '/services', { name: 'covert', host: 'h' })
  await admin.ask('POST', '/services/covert/plugins', { name: 'plain' })
  expect(await newest(admin)).toBe('Create plugin plain on service covert')
  expect(await newest(admin, reader)).toBe(`Create plugin plain on service ${service.id}`)
  await admin.ask('POST', '/consumers', { username: 'hidden' })
  expect(await newest(admin)).toBe('Create consumer hidden')
  expect(await newest(admin, reader)).toBeNull()
})
