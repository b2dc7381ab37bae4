import { afterAll, describe, expect, test } from 'vitest'
import { adminRoutes } from '../../src/admin/open-admin.ts'
import { entities } from '../../src/entities/entities.ts'
import { addPrincipal, startTestAdmin } from './admin-harness.ts'
import { bodyOf, makeParents, samples } from './admin-samples.ts'

/** In the names of all that ProductY has. Long, because ids and times contain any four digits now and then. */
const foreignNumber = 79_170_511

const admin = await startTestAdmin()
afterAll(admin.close)
await makeParents(admin, 'ProductX')
await makeParents(admin, 'ProductY')
for (const sample of Object.values(samples)) {
  if (sample.inWorkspace === false) continue
  const body = await bodyOf(admin, sample, ['ProductY', foreignNumber])
  await admin.ask('POST', `/ProductY${sample.path}`, body)
}
const token = await addPrincipal(admin, {
  name: 'member',
  workspace: 'ProductX',
  endpoints: [{ endpoint: '*', actions: '*' }],
})
await addPrincipal(admin, {
  name: 'stranger',
  workspace: 'ProductY',
  endpoints: [{ endpoint: '*', actions: '*' }],
})

const asMember = (method: string, path: string, body?: unknown, manager = false) =>
  admin.ask(method, path, body, { token, manager })

/** Ids and names outside ProductX. */
const foreign = new Set(
  entities.flatMap(({ name }) => {
    const place = admin.configuration.find({ entity: 'workspace', workspace: null, at: 'ProductY' })
    const workspace = place?.id ?? ''
    return [workspace, ...admin.configuration.list({ entity: name, workspace }).map(({ id }) => id)]
  }),
)
const own = entities.flatMap(({ name }) => {
  const place = admin.configuration.find({ entity: 'workspace', workspace: null, at: 'ProductX' })
  return admin.configuration.list({ entity: name, workspace: place?.id ?? '' }).map(({ id }) => id)
})
for (const id of own) foreign.delete(id)

describe('outside ProductX', () => {
  const paths = adminRoutes({ version: '', node: '', requests: () => 0 }).map(({ path }) => path)
  const filled = (path: string): string =>
    path
      .replace('/upstreams/:parent', '/upstreams/parent.internal')
      .replaceAll(/:\w+/g, 'parent')
      .replace('*', 'services')
  const requested = [...paths.map(filled), '/userinfo']

  test('no response on any path or server names an existing entity', async () => {
    const told: string[] = []
    for (const path of requested) {
      for (const url of [path, `/ProductX${path}`]) {
        for (const [manager, prefix] of [
          [false, ''],
          [true, '/admin'],
        ] as const) {
          const { text, status } = await asMember('GET', `${prefix}${url}`, undefined, manager)
          const isTold =
            [...foreign].some((id) => text.includes(id)) ||
            /ProductY|stranger/.test(text) ||
            text.includes(String(foreignNumber))
          if (isTold) told.push(`${status} ${url}: ${text.slice(0, 300)}`)
        }
      }
    }
    const { text } = await asMember('GET', '/api/session', undefined, true)
    expect(text).not.toContain('ProductY')
    expect(told).toEqual([])
  }, 180_000)

  test('existing and missing entities return the same response', async () => {
    for (const path of requested) {
      const there = await asMember('GET', `/ProductY${path}`)
      const nowhere = await asMember('GET', `/Nowhere${path}`)
      const alike = (words: string): string => words.replaceAll(/ProductY|Nowhere/g, '_')
      expect([path, there.status, alike(there.text)]).toEqual([
        path,
        nowhere.status,
        alike(nowhere.text),
      ])
    }
  }, 180_000)
})

describe('within ProductX', () => {
  const cases = Object.entries(samples).filter(([, { inWorkspace }]) => inWorkspace !== false)
  test.each(cases)('%s', async (_, sample) => {
    const path = `/ProductX${sample.path}`
    const body = await bodyOf(admin, sample, ['ProductX', 7])
    const made = await asMember('POST', path, body)
    expect(made.status).toBe(201)
    const item = `${path}/${made.body.id}`
    const statuses = [
      (await asMember('GET', path)).status,
      (await asMember('GET', item)).status,
      (await asMember('PATCH', item, sample.patch)).status,
      (await asMember('DELETE', item)).status,
    ]
    expect(statuses).toEqual([200, 200, 200, 204])
  })

  test('manages roles, permissions and assignments, and reads entitlements', async () => {
    const role = { name: 'helper' }
    expect((await asMember('POST', '/ProductX/rbac/roles', role)).status).toBe(201)
    const endpoint = { endpoint: '/services', actions: 'read' }
    const permission = await asMember('POST', '/ProductX/rbac/roles/helper/endpoints', endpoint)
    expect(permission).toMatchObject({ status: 201, body: { workspace: 'ProductX' } })
    const give = (user: string) =>
      asMember('POST', `/ProductX/rbac/users/${user}/roles`, { roles: 'helper' })
    // A user without a role here is answered like one that does not exist; a super-admin gives the first role.
    expect([(await give('parent')).text, (await give('stranger')).text]).toEqual(
      Array(2).fill((await give('nobody')).text),
    )
    await admin.ask('POST', '/ProductX/rbac/users/parent/roles', { roles: 'workspace-read-only' })
    expect((await give('parent')).status).toBe(201)
    const { body } = await asMember('GET', '/ProductX/rbac/explain?user=parent&path=/services')
    expect(body).toMatchObject({ allowed: true })
    const elsewhere = { endpoint: '/services', actions: 'read', workspace: 'ProductY' }
    const refused = await asMember('POST', '/ProductX/rbac/roles/helper/endpoints', elsewhere)
    const nowhere = { ...elsewhere, workspace: 'Nowhere' }
    const unknown = await asMember('POST', '/ProductX/rbac/roles/helper/endpoints', nowhere)
    expect([refused.status, unknown.status]).toEqual([400, 400])
    expect(refused.text.replaceAll('ProductY', '_')).toBe(unknown.text.replaceAll('Nowhere', '_'))
  })
})
