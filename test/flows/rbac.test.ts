import { expect, test } from 'vitest'
import { addPrincipal, openTestAdmin, type TestAdmin } from './admin-harness.ts'
import { makeParents } from './admin-samples.ts'

const everything = [{ endpoint: '*', actions: '*' }]

test('members of an identity provider group have its roles in addition to their own', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  const token = await addPrincipal(admin, { name: 'dev', workspace: 'ProductX', endpoints: [] })
  const read = async () =>
    (await admin.ask('GET', '/ProductX/services', undefined, { token })).status
  const { body: group } = await admin.ask('POST', '/groups', { name: 'engineers' })
  const role = await roleNamed(admin, 'ProductX', 'workspace-read-only')
  const given = await admin.ask('POST', `/ProductX/groups/${group.id}/roles`, {
    rbac_role_id: role.id,
  })
  expect(given).toMatchObject({
    status: 201,
    body: {
      group: { name: 'engineers' },
      rbac_role: { name: 'workspace-read-only' },
      workspace: { name: 'ProductX' },
    },
  })
  expect(await read()).toBe(403)
  await admin.ask('PATCH', '/rbac/users/dev', { groups: ['engineers', 'unheard-of'] })
  expect(await read()).toBe(200)
  const groups = await admin.ask('GET', '/rbac/users/dev/groups')
  expect(groups.body.groups).toMatchObject([{ name: 'engineers' }])
  const explanation = await explain(admin, '/ProductX', { user: 'dev', path: '/services' })
  expect(explanation.because).toMatch(
    /^Role workspace-read-only of workspace ProductX \(by group engineers\)/,
  )
  const roles = await admin.ask('GET', '/ProductX/rbac/users/dev/roles')
  expect(roles.body.roles).toMatchObject([{ name: 'role-of-dev' }])
  await admin.ask('DELETE', '/ProductX/groups/engineers/roles', { rbac_role_id: role.id })
  expect(await read()).toBe(403)
})

test('without RBAC permissions nobody can assign roles through a group or an admin', async () => {
  const admin = await openTestAdmin()
  const token = await withDefaultRole(admin, ['default', 'admin'])
  await admin.ask('POST', '/groups', { name: 'engineers' })
  const role = await roleNamed(admin, 'default', 'super-admin')
  for (const [method, path, body] of [
    ['GET', '/groups', undefined],
    ['POST', '/groups', { name: 'mine' }],
    ['PATCH', '/groups/engineers', { name: 'mine' }],
    ['POST', '/groups/engineers/roles', { rbac_role_id: role.id }],
    ['POST', '/rbac/groups/engineers/roles', { rbac_role_id: role.id }],
    ['POST', '/admins', { username: 'mallory' }],
    ['PATCH', '/admins/admin', { password: 'another-long-password' }],
    ['POST', '/admins/of-admin/roles', { roles: 'super-admin' }],
    ['GET', '/admins/admin/workspaces', undefined],
    ['POST', '/rbac/users/admin/tokens', {}],
    ['GET', '/rbac/explain', undefined],
  ] as const) {
    const { status } = await admin.ask(method, path, body, { token })
    expect([method, path, status]).toEqual([method, path, 403])
  }
})

test('lists principals who are people as Kong’s admins', async () => {
  const admin = await openTestAdmin()
  const { body: made } = await admin.ask('POST', '/admins', {
    username: 'gruce',
    email: 'gruce@example.com',
    custom_id: '7',
    rbac_token_enabled: true,
  })
  expect(made.admin).toMatchObject({ username: 'gruce', email: 'gruce@example.com', status: 4 })
  await admin.ask('POST', '/rbac/users', { name: 'robot', kind: 'service-account' })
  const { body: list } = await admin.ask('GET', '/admins')
  expect(list.data.map(({ username }: { username: string }) => username).toSorted()).toEqual([
    'admin',
    'gruce',
  ])
  expect((await admin.ask('GET', '/admins/robot')).status).toBe(404)
  const roles = await admin.ask('POST', '/admins/gruce/roles', { roles: 'super-admin' })
  expect(roles.body.roles).toMatchObject([{ name: 'super-admin' }])
  expect((await admin.ask('GET', '/admins/gruce/workspaces')).body).toMatchObject([
    { name: 'default' },
  ])
  const patched = await admin.ask('PATCH', '/admins/gruce', { password: 'a-long-password' })
  expect(patched.body).toMatchObject({ status: 0, custom_id: '7' })
  expect((await admin.ask('DELETE', '/admins/gruce')).status).toBe(204)
  expect((await admin.ask('GET', '/rbac/users/gruce')).status).toBe(404)
})

test('a rotated token stays valid for the overlap, and both tokens report their last use', async () => {
  let now = Date.now()
  const admin = await openTestAdmin({ clock: { now: () => now } })
  await admin.ask('POST', '/rbac/users', { name: 'robot', kind: 'service-account' })
  const { body: old } = await admin.ask('POST', '/rbac/users/robot/tokens', { name: 'ci' })
  const rotate = `/rbac/users/robot/tokens/${old.id}/rotate`
  const { status, body: fresh } = await admin.ask('POST', rotate, { overlap: 60 })
  expect(status).toBe(201)
  expect(fresh).toMatchObject({ name: 'ci', token: expect.stringMatching(/^[\w-]{32}$/) })
  expect(fresh.replaces).toEqual({ id: old.id, expires_at: Math.floor(now / 1000) + 60 })
  const works = async (token: string) =>
    (await admin.ask('GET', '/userinfo', undefined, { token })).status === 200
  expect([await works(old.token), await works(fresh.token)]).toEqual([true, true])
  now += 61_000
  expect([await works(old.token), await works(fresh.token)]).toEqual([false, true])
  const { body: tokens } = await admin.ask('GET', '/rbac/users/robot/tokens')
  const used = tokens.data.find(({ id }: { id: string }) => id === fresh.id)
  expect(used).toMatchObject({ last_used_at: Math.floor(now / 1000), last_used_from: '127.0.0.1' })
  expect(JSON.stringify(tokens)).not.toContain(fresh.token)
  expect((await admin.ask('POST', rotate, { overlap: -1 })).body.fields).toHaveProperty('overlap')
})

test('explains the decision of a request with its rules and roles, aliases included', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'ProductX',
    endpoints: [...everything, { endpoint: '/consumers/*', actions: 'read', negative: true }],
  })
  for (const [method, path] of [
    ['GET', '/services'],
    ['GET', '/consumers/parent'],
    ['GET', '/consumers/parent/plugins'],
    ['POST', '/consumers/parent/plugins'],
    ['PUT', '/services/fresh'],
    ['DELETE', '/upstreams/parent.internal/targets/t'],
    ['GET', '/workspaces/default'],
    ['GET', '/nowhere/at/all'],
  ] as const) {
    const explanation = await explain(admin, '/ProductX', { user: 'dev', method, path })
    const { status } = await admin.ask(method, `/ProductX${path}`, undefined, { token })
    expect([method, path, explanation.allowed]).toEqual([
      method,
      path,
      ![401, 403].includes(status),
    ])
    expect(explanation.because).toMatch(/^[A-Z].*\.$/)
  }
  const explanation = await explain(admin, '/ProductX', {
    user: 'dev',
    path: '/consumers/parent/plugins',
  })
  expect(explanation).toMatchObject({ allowed: false, action: 'read', principal: { name: 'dev' } })
  const alias = explanation.asks.find(
    ({ as, says }: { as: string; says: string }) => as === 'door' && says === 'deny',
  )
  expect(alias.rules[0]).toMatchObject({
    role: 'role-of-dev',
    about: '/consumers/*',
    negative: true,
    level: 1,
    decides: true,
  })
})

test('lists exactly the principals with access to a workspace', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  await makeParents(admin, 'ProductY')
  const { body: service } = await admin.ask('GET', '/ProductX/services/parent')
  const token = await addPrincipal(admin, {
    name: 'x',
    workspace: 'ProductX',
    endpoints: everything,
  })
  await addPrincipal(admin, { name: 'y', workspace: 'ProductY', endpoints: everything })
  await addPrincipal(admin, { name: 'z', workspace: 'ProductX', endpoints: [] })
  await admin.ask('POST', '/ProductX/rbac/roles/role-of-z/entities', {
    entity_id: service.id,
    entity_type: 'services',
    actions: 'read',
  })
  const { body } = await admin.ask('GET', '/ProductX/rbac/explain', undefined, { token })
  const rows = new Map<string, any>( // oxlint-disable-line typescript/no-explicit-any -- an answer
    body.principals.map((row: { principal: { name: string } }) => [row.principal.name, row]),
  )
  expect([...rows.keys()]).toEqual(['admin', 'x', 'z'])
  expect(rows.get('x').may.services).toMatchObject({
    read: { extent: 'all' },
    create: { extent: 'all' },
  })
  expect(rows.get('z').may.services.read).toEqual({ extent: 'some', rule: -1 })
  expect(rows.get('z').may.routes.read).toEqual({ extent: 'none', rule: -1 })
  expect(rows.get('z').roles).toEqual([{ name: 'role-of-z', workspace: 'ProductX' }])
  expect(body.rules[rows.get('x').may.services.read.rule]).toMatch(/^Role role-of-x of workspace/)
  for (const user of ['y', 'nobody']) {
    const path = `/ProductX/rbac/explain?user=${user}&path=/services`
    expect((await admin.ask('GET', path, undefined, { token })).status).toBe(404)
  }
})

test('entitlements of a workspace reveal nothing of other workspaces', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  await makeParents(admin, 'ProductY')
  const token = await addPrincipal(admin, {
    name: 'x',
    workspace: 'ProductX',
    endpoints: everything,
  })
  await addPrincipal(admin, {
    name: 'y',
    workspace: 'ProductY',
    endpoints: [{ endpoint: '/services/secret-project', actions: 'read' }],
  })
  for (const path of ['permissions', 'roles', 'groups']) {
    const { text } = await admin.ask('GET', `/ProductX/rbac/users/y/${path}`, undefined, { token })
    expect(text).not.toMatch(/ProductY|secret-project|role-of-y/)
  }
  const own = await admin.ask('GET', '/ProductX/rbac/users/x/permissions', undefined, { token })
  expect(own.body.endpoints).toHaveProperty('ProductX')
})

async function roleNamed({ ask }: TestAdmin, workspace: string, name: string) {
  return (await ask('GET', `/${workspace}/rbac/roles/${name}`)).body as { id: string }
}

/** A principal `of-ROLE` with one of the default roles. */
async function withDefaultRole(
  { ask }: TestAdmin,
  [workspace, role]: readonly [string, string],
): Promise<string> {
  const name = `of-${role}`
  const token = `token-of-${name}-0123456789`
  await ask('POST', '/rbac/users', { name, user_token: token })
  await ask('POST', `/${workspace}/rbac/users/${name}/roles`, { roles: role })
  return token
}

async function explain(
  { ask }: TestAdmin,
  workspace: string,
  question: Readonly<Record<string, string>>,
) {
  const search = new URLSearchParams(question).toString()
  return (await ask('GET', `${workspace}/rbac/explain?${search}`)).body
}
