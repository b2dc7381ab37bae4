import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { openConfiguration } from '../../src/control/open-configuration.ts'
import { freshDatabase, openStoreAt } from '../harness/store-engines.ts'
import { addPrincipal, adminToken, openTestAdmin, type TestAdmin } from './admin-harness.ts'

const role = {
  status: 403,
  body: {
    message:
      'The role super-admin of the default workspace cannot be deleted, renamed or restricted',
    because: expect.stringContaining('It keeps its permission'),
  },
}
const own = {
  status: 403,
  body: {
    message: 'You cannot take the role super-admin from yourself, nor restrict it',
    because: 'Only another super-admin can do this.',
  },
}
const last = {
  status: 409,
  body: {
    message: 'The last super-admin cannot be removed, disabled or restricted',
    because: 'Without a super-admin nobody can manage roles and users.',
  },
}

test('nobody deletes, renames or restricts the role super-admin, by name, id or encoded name', async () => {
  const admin = await openTestAdmin()
  const { body: found } = await admin.ask('GET', '/rbac/roles/super-admin')
  const { body: service } = await admin.ask('POST', '/services', { host: 'a.example' })
  for (const at of ['super-admin', found.id, 'super%2Dadmin', '%73uper-admin']) {
    const path = `/rbac/roles/${at}`
    for (const [method, url, body] of [
      ['PATCH', path, { name: 'other' }],
      ['PATCH', `${path}/endpoints/*/*`, { actions: 'read' }],
      ['PATCH', `${path}/endpoints/*/*`, { negative: true }],
      ['POST', `${path}/endpoints`, { endpoint: '/rbac/*', actions: '*', negative: true }],
      [
        'POST',
        `${path}/entities`,
        { entity_id: service.id, entity_type: 'services', actions: '*', negative: true },
      ],
    ] as const) {
      const { status, body: answer } = await admin.ask(method, url, body)
      expect({ method, url, status, body: answer }).toMatchObject({ method, url, ...role })
    }
    // decK deletes all roles and permissions one by one, and would stop at a refusal.
    const { revision } = admin.configuration.current()
    for (const url of [path, `${path}/endpoints/*/*`]) {
      expect(await admin.ask('DELETE', url)).toMatchObject({
        status: 200,
        body: { message: 'The role super-admin and its permission for everything are kept.' },
      })
    }
    expect(admin.configuration.current().revision).toBe(revision)
  }
  const records = await admin.configuration.audit.read({}, 1000)
  const attempts = records.filter(({ action }) => action === 'delete')
  expect(attempts.map(({ because, before }) => [because, before])).toEqual(
    Array.from({ length: 8 }, () => [expect.stringContaining('are kept'), []]),
  )
  await expectAccess(admin)
})

test('a sync of RBAC files without super-admin, and a reset, change nothing and report why', async () => {
  const admin = await openTestAdmin()
  await admin.ask('POST', '/rbac/roles', { name: 'kept' })
  const { revision } = admin.configuration.current()
  const permission = { workspace: '*', endpoint: '*', actions: ['read'] }
  for (const document of [
    { _format_version: '3.0' },
    { _format_version: '3.0', rbac_roles: [{ name: 'kept' }] },
    { _format_version: '3.0', rbac_roles: [{ name: 'super-admin' }] },
    {
      _format_version: '3.0',
      rbac_roles: [{ name: 'super-admin', endpoint_permissions: [permission] }],
    },
  ]) {
    const synced = await admin.ask('POST', '/config/sync?rbac_resources_only=true', document)
    expect(synced).toMatchObject(role)
  }
  expect(admin.configuration.current().revision).toBe(revision)
  await expectAccess(admin)
})

test('the last super-admin cannot be deleted, disabled, restricted or lose role and token by another', async () => {
  const admin = await openTestAdmin()
  const token = await addPrincipal(admin, {
    name: 'operator',
    workspace: 'default',
    endpoints: [{ endpoint: '*', actions: '*' }],
  })
  await admin.ask('POST', '/rbac/roles', { name: 'denied' })
  await admin.ask('POST', '/rbac/roles/denied/endpoints', {
    endpoint: '*',
    actions: '*',
    negative: true,
  })
  const { body: tokens } = await admin.ask('GET', '/rbac/users/admin/tokens')
  for (const [method, path, body] of [
    ['DELETE', '/rbac/users/admin', undefined],
    ['DELETE', '/rbac/users/%61dmin', undefined],
    ['DELETE', '/admins/admin', undefined],
    ['PATCH', '/rbac/users/admin', { enabled: false }],
    ['PUT', '/rbac/users/admin', { name: 'admin', enabled: false }],
    ['DELETE', '/rbac/users/admin/roles', { roles: 'super-admin' }],
    ['DELETE', '/rbac/users/admin/roles', { roles: ['super-admin'] }],
    ['POST', '/rbac/users/admin/roles', { roles: 'denied' }],
    ['POST', '/rbac/users/admin/roles', { roles: 'admin' }],
    ['DELETE', `/rbac/users/admin/tokens/${tokens.data[0].id}`, undefined],
    ['PATCH', `/rbac/users/admin/tokens/${tokens.data[0].id}`, { expires_at: 1 }],
  ] as const) {
    const { status, body: answer } = await admin.ask(method, path, body, { token })
    expect({ method, path, status, body: answer }).toMatchObject({ method, path, ...last })
  }
  await expectAccess(admin)
})

test('nobody takes super-admin from themselves, directly, by a group or by a restriction', async () => {
  const admin = await openTestAdmin()
  const { body: found } = await admin.ask('GET', '/rbac/roles/super-admin')
  await admin.ask('POST', '/groups', { name: 'root' })
  await admin.ask('POST', '/groups/root/roles', { rbac_role_id: found.id })
  const token = 'token-of-ann-0123456789'
  await admin.ask('POST', '/rbac/users', { name: 'ann', user_token: token, groups: ['root'] })
  await admin.ask('POST', '/rbac/roles', { name: 'denied' })
  await admin.ask('POST', '/rbac/roles/denied/endpoints', {
    endpoint: '/services',
    actions: 'delete',
    negative: true,
  })
  for (const [method, path, body] of [
    ['PATCH', '/rbac/users/ann', { groups: [] }],
    ['PATCH', '/rbac/users/ann', { enabled: false }],
    ['POST', '/rbac/users/ann/roles', { roles: 'denied' }],
    ['DELETE', '/rbac/users/ann', undefined],
    ['DELETE', '/groups/root', undefined],
    ['PATCH', '/groups/root', { name: 'other' }],
    ['DELETE', '/groups/root/roles', { rbac_role_id: found.id }],
  ] as const) {
    const { status, body: answer } = await admin.ask(method, path, body, { token })
    expect({ method, path, status, body: answer }).toMatchObject({ method, path, ...own })
  }
  const alone = await admin.ask('DELETE', '/rbac/users/admin/roles', { roles: 'super-admin' })
  expect(alone).toMatchObject(own)
  // Another super-admin may; then the remaining one is the last.
  const taken = await admin.ask(
    'DELETE',
    '/rbac/users/admin/roles',
    { roles: 'super-admin' },
    { token },
  )
  expect(taken.status).toBe(204)
  expect((await admin.ask('GET', '/rbac/users')).status).toBe(403)
  expect((await admin.ask('GET', '/rbac/users', undefined, { token })).status).toBe(200)
})

test('a rollback removes super-admin from no principal, and cannot restore a restriction of the role', async () => {
  const admin = await openTestAdmin()
  const { configuration } = admin
  const { revision } = configuration.current()
  const token = 'token-of-ann-0123456789'
  const { body: ann } = await admin.ask('POST', '/rbac/users', { name: 'ann', user_token: token })
  await admin.ask('POST', '/rbac/users/ann/roles', { roles: 'super-admin' })
  await admin.ask('POST', `/config/revisions/${revision}/rollback`, {}, { token })
  expect((await admin.ask('GET', '/rbac/users', undefined, { token })).status).toBe(200)
  const { body: found } = await admin.ask('GET', '/rbac/roles/super-admin')
  const [entry] = configuration
    .list({ entity: 'endpoint-permission', workspace: defaultWorkspace.id })
    .filter(({ fields }) => fields.role.id === found.id)
  if (entry === undefined) throw new Error('super-admin has no permission')
  const restoring = configuration.change({
    principal: ann.id,
    check: { ask: { workspace: defaultWorkspace, path: '/config', action: 'update' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    operations: [
      {
        kind: 'restore',
        entity: 'endpoint-permission',
        workspace: entry.workspace,
        at: entry.id,
        isById: true,
        entry: { ...entry, fields: { ...entry.fields, negative: true } },
      },
    ],
    status: 200,
  })
  await expect(restoring).rejects.toMatchObject({ code: 'control.super_admin_role', status: 403 })
  await expectAccess(admin)
})

test('a refusal is in the audit log with its reason', async () => {
  const admin = await openTestAdmin()
  await admin.ask('PATCH', '/rbac/roles/super-admin', { name: 'other' })
  const [record] = await admin.configuration.audit.read({}, 1)
  expect(record).toMatchObject({
    status: 403,
    allowed: false,
    because: expect.stringContaining('It keeps'),
  })
})

test('a start with WEIR_ADMIN_TOKEN restores super-admin, and logs and audits it', async () => {
  const database = await freshDatabase()
  const warnings: string[] = []
  const log = { warn: (message: string) => void warnings.push(message) }
  const open = async () =>
    openConfiguration({
      store: await openStoreAt(database),
      catalog: [],
      compile: () => undefined,
      adminToken,
      log,
    })
  const first = await open()
  expect(warnings).toEqual([])
  await first.close()
  const rows = new DatabaseSync(database)
  for (const sql of [
    `delete from rbac_endpoints where endpoint = '*'`,
    'delete from rbac_grants',
    `update rbac_users set name = 'root', body = json_set(body, '$.name', 'root', '$.enabled', json('false'))`,
  ]) {
    rows.exec(sql)
  }
  rows.close()
  const second = await open()
  onTestFinished(() => second.close())
  const identified = await second.identify({ 'kong-admin-token': adminToken })
  const check = {
    ask: {
      workspace: defaultWorkspace,
      path: '/rbac/users',
      action: 'delete' as const,
    },
  }
  expect(second.decide(identified?.principal ?? '', check).allowed).toBe(true)
  expect(second.find({ entity: 'principal', workspace: null, at: 'root' })?.fields.enabled).toBe(
    true,
  )
  expect(warnings).toEqual(['control: super-admin role restored'])
  const [record] = await second.audit.read({}, 1)
  expect(record).toMatchObject({
    because: expect.stringContaining('root was not a super-admin'),
    principal: null,
  })
})

async function expectAccess(admin: TestAdmin): Promise<void> {
  for (const path of ['/rbac/users', '/services']) {
    expect((await admin.ask('GET', path)).status).toBe(200)
  }
}
