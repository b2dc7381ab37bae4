import { expect, test } from 'vitest'
import { adminRoutes } from '../../src/admin/open-admin.ts'
import { addPrincipal, openTestAdmin, type TestAdmin } from './admin-harness.ts'
import { bodyOf, makeParents, samples } from './admin-samples.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const paths = adminRoutes({ version: '', node: '', requests: () => 0 }).map(({ path }) => path)

test('returns 401 on every path and method without a valid token', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  const before = admin.configuration.current().revision
  for (const path of [...paths, '/userinfo', '/openapi.json', '/api/session', '/nowhere'].map(
    filledWithParent,
  )) {
    for (const url of [path, `/ProductX${path}`]) {
      for (const method of methods) {
        const headers: Record<string, string> =
          method === 'PUT' ? { authorization: 'Bearer x' } : {}
        if (url === '/api/session' && method === 'POST') continue
        const answer = await admin.ask(method, url, undefined, { token: '', headers })
        expect([url, method, answer.status]).toEqual([url, method, 401])
        expect(answer.text).toBe(method === 'HEAD' ? '' : unidentified(url))
      }
    }
  }
  expect(admin.configuration.current().revision).toBe(before)
}, 180_000)

test('a principal of ProductX cannot tell which names exist elsewhere', async () => {
  const admin = await openTestAdmin()
  const secrets = await fillProductY(admin)
  await makeParents(admin, 'ProductX')
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'ProductX',
    endpoints: [{ endpoint: '*', actions: '*' }],
  })
  const before = admin.configuration.current().revision
  const check = async (path: string, method: string) => {
    const ask = (url: string) => admin.ask(method, url, bodyFor(method), { token })
    const [there, absent, nowhere] = await Promise.all([
      ask(`/ProductY${filledWithParent(path)}`),
      ask(`/ProductY${filledWithNothing(path)}`),
      ask(`/Nowhere${filledWithNothing(path)}`),
    ])
    const isList = /^\/workspaces(\/:item)?$/.test(path)
    if (isList && method !== 'POST') return
    expect([method, path, there.status]).toEqual([method, path, 403])
    expect(alike(absent.text)).toBe(alike(there.text))
    expect(alike(nowhere.text)).toBe(alike(there.text))
    for (const secret of secrets) expect(there.text).not.toContain(secret)
  }
  for (const path of paths) await Promise.all(methods.map((method) => check(path, method)))
  expect(admin.configuration.current().revision).toBe(before)
}, 180_000)

test('lists the workspaces that the principal may read', async () => {
  const admin = await openTestAdmin()
  await fillProductY(admin)
  await makeParents(admin, 'ProductX')
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'ProductX',
    endpoints: [{ endpoint: '*', actions: 'read' }],
  })
  for (const path of ['/workspaces', '/ProductX/workspaces']) {
    const { status, body } = await admin.ask('GET', path, undefined, { token })
    expect(status).toBe(200)
    expect(body.data.map(({ name }: { name: string }) => name)).toEqual(['ProductX'])
  }
  expect(
    (await admin.ask('GET', '/ProductX/workspaces/ProductX', undefined, { token })).status,
  ).toBe(200)
  const session = await admin.ask('GET', '/api/session', undefined, { token })
  expect(session.body.workspaces).toMatchObject([{ name: 'ProductX', roles: ['role-of-dev'] }])
})

test('a rule that denies the canonical path denies every alias', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  await admin.ask('POST', '/ProductX/plugins', {
    name: 'plain',
    instance_name: 'of-consumer',
    consumer: { username: 'parent' },
  })
  await admin.ask('POST', '/ProductX/consumers/parent/key-auth', { key: 'the-secret-key' })
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'ProductX',
    endpoints: [
      { endpoint: '*', actions: '*' },
      ...['/consumers', '/consumers/*', '/key-auths', '/key-auths/*'].map((endpoint) => ({
        endpoint,
        actions: '*',
        negative: true,
      })),
    ],
  })
  for (const path of [
    '/consumers',
    '/consumers/parent',
    '/consumers/nobody',
    '/consumers/parent/plugins',
    '/consumers/nobody/plugins',
    '/consumers/parent/key-auth',
    '/consumers/parent/key-auth/the-secret-key',
    '/key-auths/the-secret-key/consumer',
    '/plugins/of-consumer/consumer',
  ]) {
    for (const method of ['GET', 'PATCH', 'PUT']) {
      const { status, text } = await admin.ask(method, `/ProductX${path}`, bodyFor(method), {
        token,
      })
      expect([method, path, status]).toEqual([method, path, 403])
      expect(text).not.toContain('the-secret')
    }
  }
})

test('a list contains the entries that entity permissions allow', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  const { body: open } = await admin.ask('PUT', '/ProductX/services/open', { host: 'h.example' })
  const token = await addPrincipal(admin, { name: 'dev', workspace: 'ProductX', endpoints: [] })
  const denied = await admin.ask('GET', '/ProductX/services', undefined, { token })
  expect(denied.status).toBe(403)
  const grant = { entity_id: open.id, entity_type: 'services', actions: 'read' }
  await admin.ask('POST', '/ProductX/rbac/roles/role-of-dev/entities', grant)
  const { body } = await admin.ask('GET', '/ProductX/services', undefined, { token })
  expect(body).toEqual({ data: [open], next: null })
  expect((await admin.ask('GET', '/ProductX/services/open', undefined, { token })).status).toBe(200)
  expect((await admin.ask('GET', '/ProductX/services/parent', undefined, { token })).status).toBe(
    403,
  )
})

test('PUT of a missing entity requires the create permission', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'ProductX',
    endpoints: [{ endpoint: '*', actions: 'read,update' }],
  })
  const put = (name: string) =>
    admin.ask('PUT', `/ProductX/services/${name}`, { host: 'h.example' }, { token })
  expect((await put('parent')).status).toBe(200)
  expect((await put('fresh')).status).toBe(403)
})

test('a removed permission is denied from the next request on', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'ProductX',
    endpoints: [{ endpoint: '*', actions: 'read' }],
  })
  const read = async () =>
    (await admin.ask('GET', '/ProductX/services', undefined, { token })).status
  expect(await read()).toBe(200)
  await admin.ask('DELETE', '/ProductX/rbac/users/dev/roles', { roles: 'role-of-dev' })
  expect(await read()).toBe(403)
  await admin.ask('PATCH', '/rbac/users/dev', { enabled: false })
  expect(await read()).toBe(401)
})

test('audits every denial with its rule, and every change with its difference', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  const token = await addPrincipal(admin, { name: 'dev', workspace: 'ProductX', endpoints: [] })
  await admin.ask('POST', '/ProductX/services', { host: 'h' }, { token })
  await admin.ask('POST', '/ProductX/services', { host: 'h' }, { token: '' })
  await admin.ask('POST', '/ProductX/services', { host: 'h', port: -1 })
  await admin.ask('POST', '/ProductX/consumers/parent/key-auth', { key: 'never-to-be-logged' })
  await admin.ask('PATCH', '/rbac/users/dev', { password: 'never-to-be-logged' })
  const records = await admin.configuration.audit.read({}, 5)
  expect(records.toReversed()).toMatchObject([
    { principal: { name: 'dev' }, allowed: false, status: 403, path: '/services', revision: null },
    { principal: null, allowed: false, status: 401, action: 'create' },
    { principal: { name: 'admin' }, allowed: true, status: 400, revision: null },
    { status: 201, path: '/consumers/parent/key-auth', after: [{ key: 'REDACTED' }] },
    { status: 200, after: [{ name: 'dev', password: 'REDACTED' }] },
  ])
  expect(records.at(-1)?.because).toMatch(/^No role of dev allows create at \/services/)
  expect(JSON.stringify(records)).not.toContain('never-to-be-logged')
})

test('a key or token in the path of a request is in no audit record', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'ProductX')
  const key = 'never-to-be-logged'
  const token = await addPrincipal(admin, { name: 'dev', workspace: 'ProductX', endpoints: [] })
  const send = async (workspace: string, path: string, by?: string): Promise<void> => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST'])
      await admin.ask(method, `${workspace}${path}`, {}, by === undefined ? {} : { token: by })
  }
  for (const isKnown of [false, true]) {
    if (isKnown) await admin.ask('POST', '/ProductX/consumers/parent/key-auth', { key })
    for (const by of [token, '', undefined])
      for (const path of [
        `/consumers/parent/key-auth/${key}`,
        `/consumers/parent/key%2Dauth/never%2Dto-be-logged`,
        `/key-auths/${key}`,
        `/key-auths/${key}/consumer`,
        `/key-auths/${key}/nowhere`,
      ])
        await send('/ProductX', path, by)
    await admin.ask('POST', '/ProductX/consumers/parent/key-auth', { key })
    for (const by of [token, '', undefined])
      for (const path of [`/nowhere/${key}`, `/plugins/${key}/x`, `/services/${token}`])
        await send('/ProductX', path, by)
  }
  const records = await admin.configuration.audit.read({}, 10_000)
  expect(records.map(({ path }) => path)).toContain('/consumers/parent/key-auth/REDACTED')
  const leaks = records.filter((record) =>
    /never(-|%2D)to-be-logged/i.test(JSON.stringify({ ...record, after: [], before: [] })),
  )
  expect(leaks.map(({ method, path, because, status }) => [method, path, because, status])).toEqual(
    [],
  )
  const own = records.filter(({ principal }) => principal?.name === 'dev')
  expect(JSON.stringify(own)).not.toContain(token)
})

/** Creates one of everything, with names that must not be visible elsewhere. */
async function fillProductY(admin: TestAdmin): Promise<string[]> {
  await makeParents(admin, 'ProductY')
  for (const sample of Object.values(samples)) {
    if (sample.inWorkspace === false) continue
    await admin.ask('POST', `/ProductY${sample.path}`, await bodyOf(admin, sample, ['ProductY', 1]))
  }
  const { services, consumers, routes } = admin.configuration.current().snapshot
  return [...services.keys(), ...consumers.keys(), ...routes.keys()]
}

const filledWithParent = (path: string): string =>
  path
    .replace('/rbac/users/:parent', '/rbac/users/parent')
    .replace('/upstreams/:parent', '/upstreams/parent.internal')
    .replaceAll(/:\w+/g, 'parent')
    .replace('*', 'services')

const filledWithNothing = (path: string): string =>
  path.replaceAll(/:\w+/g, 'absent').replace('*', 'services')

const bodyFor = (method: string): unknown =>
  ['POST', 'PUT', 'PATCH'].includes(method) ? { host: 'h.example' } : undefined

/** Removes the requested names, the only permitted difference. */
const alike = (text: string): string =>
  text.replaceAll(/parent(\.internal)?|absent|ProductY|Nowhere|default/g, '_')

const unidentified = (url: string): string =>
  JSON.stringify({
    ...(url.startsWith('/api/') ? { code: 'control.unidentified' } : {}),
    message: 'Invalid RBAC credentials',
  })
