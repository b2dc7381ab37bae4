import { expect, test } from 'vitest'
import { makeAuthority } from '../harness/make-certificate.ts'
import { addPrincipal, openTestAdmin, type Answer, type TestAdmin } from './admin-harness.ts'

/** ProductX and ProductY, a route of ProductY, and a member of ProductX who may do everything there. */
async function openWorkspaces(): Promise<TestAdmin & { readonly asMember: TestAdmin['ask'] }> {
  const admin = await openTestAdmin()
  const { ask } = admin
  for (const name of ['ProductX', 'ProductY']) {
    await ask('POST', '/workspaces', { name })
    await ask('POST', `/${name}/services`, { name: 'api', host: `${name}.internal` })
  }
  await ask('POST', '/ProductY/services/api/routes', { name: 'hidden', paths: ['/y'] })
  const token = await addPrincipal(admin, {
    name: 'member',
    workspace: 'ProductX',
    endpoints: [{ endpoint: '*', actions: '*' }],
  })
  const asMember: TestAdmin['ask'] = (method, path, body) => ask(method, path, body, { token })
  return { ...admin, asMember }
}

const document = (paths: readonly string[]) => ({
  _format_version: '3.0',
  _workspace: 'ProductX',
  services: [{ name: 'api', host: 'x.internal', routes: [{ name: 'taken', paths }] }],
})

const collision = { status: 409, body: { message: 'API route collides with an existing API' } }

test('a member cannot take the path of another workspace by any kind of change, and sees none of its names', async () => {
  const { ask, asMember, configuration } = await openWorkspaces()
  await asMember('POST', '/ProductX/services/api/routes', { name: 'own', paths: ['/x'] })
  const { revision } = configuration.current()
  const body = { name: 'taken', paths: ['/x', '/y/orders'], methods: ['GET'] }
  const ways: readonly Answer[] = [
    await asMember('POST', '/ProductX/services/api/routes', body),
    await asMember('POST', '/ProductX/routes', body),
    await asMember('PUT', '/ProductX/routes/taken', body),
    await asMember('PATCH', '/ProductX/routes/own', body),
    await asMember('POST', '/ProductX/config/sync', document(['/y/orders'])),
    await asMember('POST', '/ProductX/config/diff', document(['/y/orders'])),
  ]
  for (const answer of ways) {
    expect(answer).toMatchObject(collision)
    expect(answer.text).not.toMatch(/hidden|ProductY/)
    expect(answer.body.fields.paths).toContain("'/y/orders'")
    expect(answer.body.because).toContain('smart')
  }
  expect(configuration.current().revision).toBe(revision)
  const named = await ask('POST', '/ProductX/services/api/routes', body)
  expect(named.body.collision.existing_route.name).toBe('hidden')
})

test('a rollback cannot bring back a route for a path that another workspace has by now', async () => {
  const { ask, asMember, configuration } = await openWorkspaces()
  await asMember('POST', '/ProductX/services/api/routes', { name: 'own', paths: ['/free'] })
  const { revision } = configuration.current()
  await asMember('PATCH', '/ProductX/routes/own', { paths: ['/x'] })
  await ask('POST', '/ProductY/services/api/routes', { paths: ['/free/y'] })
  const back = await ask('POST', `/ProductX/config/revisions/${revision}/rollback`)
  expect(back).toMatchObject(collision)
})

test('a super-admin assigns hosts and paths to a workspace, which no other workspace can use or change', async () => {
  const { ask, asMember } = await openWorkspaces()
  const owned = { owned_paths: ['/x'], owned_hosts: ['*.X.test'] }
  expect(await asMember('PATCH', '/ProductX/workspaces/ProductX', owned)).toMatchObject({
    status: 403,
  })
  expect(await ask('PATCH', '/workspaces/ProductX', owned)).toMatchObject({
    status: 200,
    body: { owned_paths: ['/x'], owned_hosts: ['*.x.test'] },
  })
  const inY = (body: unknown) => ask('POST', '/ProductY/services/api/routes', body)
  expect(await inY({ paths: ['/x/y'] })).toMatchObject(collision)
  expect(await inY({ hosts: ['api.x.test'] })).toMatchObject(collision)
  expect(await inY({ paths: ['/'] })).toMatchObject({ status: 201 })
  const inX = await asMember('POST', '/ProductX/services/api/routes', { paths: ['/x/1'] })
  expect(inX.status).toBe(201)
  const third = { name: 'third', owned_paths: ['/x'] }
  expect(await ask('POST', '/workspaces', third)).toMatchObject({
    status: 409,
    body: { fields: { owned_paths: "'/x' belongs to another workspace" } },
  })
  expect(await ask('POST', '/workspaces', { ...third, owned_paths: ['/y'] })).toMatchObject(
    collision,
  )
})

test('an explanation of a change of routes describes the isolation of workspaces', async () => {
  const { ask } = await openWorkspaces()
  await ask('PATCH', '/workspaces/ProductX', { owned_paths: ['/x'] })
  const explain = (method: string, path: string) =>
    ask('GET', `/ProductX/rbac/explain?user=member&method=${method}&path=${path}`)
  expect((await explain('POST', '/services/api/routes')).body.isolation).toMatchObject({
    route_validation_strategy: 'smart',
    owned_paths: ['/x'],
  })
  expect((await explain('GET', '/routes')).body.isolation).toBeUndefined()
  const { configuration } = (await ask('GET', '/')).body
  expect(configuration.route_validation_strategy).toBe('smart')
})

test('without a super-admin no workspace has a certificate for all names', async () => {
  const { ask, asMember } = await openWorkspaces()
  const pair = await makeAuthority('any')
  const refused = await asMember('POST', '/ProductX/certificates', { ...pair, snis: ['*'] })
  expect(refused.status).toBe(409)
  expect(refused.text).not.toMatch(/hidden|ProductY/)
  expect((await asMember('GET', '/ProductX/certificates')).body.data).toEqual([])
  expect((await ask('POST', '/certificates', { ...pair, snis: ['*'] })).status).toBe(201)
})
