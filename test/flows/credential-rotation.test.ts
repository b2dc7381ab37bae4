import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { findLastUses } from '../../src/analytics/find-last-uses.ts'
import { openAnalytics } from '../../src/analytics/open-analytics.ts'
import { listsOf } from '../../src/schema/snapshot.ts'
import { openTestWarehouse } from '../harness/open-test-warehouse.ts'
import { addPrincipal, openTestAdmin, type TestAdmin } from './admin-harness.ts'

const clock = { time: 2_000_000_000_000, now: () => clock.time }
const now = (): number => clock.time / 1000
const advance = (seconds: number): void => void (clock.time += seconds * 1000)
const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex')

async function openWithConsumer(options: Parameters<typeof openTestAdmin>[0] = {}) {
  const admin = await openTestAdmin({ clock, ...options })
  const { body } = await admin.ask('PUT', '/consumers/ann', {})
  return { ...admin, ann: body.id as string }
}

const listsIn = ({ configuration }: Pick<TestAdmin, 'configuration'>) =>
  listsOf(configuration.current().snapshot)

test('rotating an API key makes a second one, answers it, and lets the first expire', async () => {
  const admin = await openWithConsumer()
  const { body: old } = await admin.ask('POST', '/consumers/ann/key-auth', { tags: ['shop'] })
  const rotated = await admin.ask('POST', `/consumers/ann/key-auth/${old.id}/rotate`, {
    overlap: 600,
  })
  expect(rotated).toMatchObject({
    status: 201,
    body: {
      secret: rotated.body.key,
      tags: ['shop'],
      ttl: null,
      replaces: { id: old.id, expires_at: now() + 600 },
    },
  })
  expect(new Set(listsIn(admin).keys.map(({ expires_at: at }) => at))).toEqual(
    new Set([null, now() + 600]),
  )
  const gone = await admin.ask('POST', `/consumers/ann/key-auth/${rotated.body.id}/rotate`, {
    overlap: 0,
  })
  expect(gone.status).toBe(201)
  expect(listsIn(admin).keys.map(({ id }) => id)).not.toContain(rotated.body.id)
})

test('rotating never extends what expires, and needs a ttl for what has expired', async () => {
  const admin = await openWithConsumer()
  const { body: old } = await admin.ask('POST', '/consumers/ann/key-auth', { ttl: 100 })
  const path = `/consumers/ann/key-auth/${old.id}/rotate`
  const rotated = await admin.ask('POST', path, { overlap: 600 })
  expect(rotated.body).toMatchObject({ ttl: 100, replaces: { expires_at: now() + 100 } })
  advance(200)
  expect((await admin.ask('POST', path, {})).status).toBe(400)
  expect((await admin.ask('POST', path, { ttl: 50 })).body).toMatchObject({ ttl: 50 })
})

test('rotating a password, a shared secret or a public key keeps the one before for the overlap', async () => {
  const admin = await openWithConsumer()
  const make = async (kind: string, body: object) =>
    (await admin.ask('POST', `/consumers/ann/${kind}`, body)).body
  const basic = await make('basic-auth', { username: 'ann', password: 'first' })
  const hmac = await make('hmac-auth', { username: 'ann', secret: 'first' })
  const jwt = await make('jwt', { key: 'ann', secret: 'first' })
  const rotate = async (kind: string, { id }: { id: string }, body: object = {}) =>
    (await admin.ask('POST', `/consumers/ann/${kind}/${id}/rotate`, { overlap: 60, ...body })).body
  const secrets = {
    basic: await rotate('basic-auth', basic),
    hmac: await rotate('hmac-auth', hmac, { secret: 'second' }),
    jwt: await rotate('jwt', jwt),
  }
  const lists = listsIn(admin)
  const until = { expires_at: now() + 60 }
  expect(lists.basic_auths[0]).toMatchObject({
    password: sha1(`${secrets.basic.secret}${admin.ann}`),
    previous: { secret: sha1(`first${admin.ann}`), ...until },
  })
  expect(lists.hmac_auths[0]).toMatchObject({
    secret: 'second',
    previous: { secret: 'first', ...until },
  })
  expect(lists.jwts[0]).toMatchObject({
    secret: secrets.jwt.secret,
    previous: { secret: 'first', ...until },
  })
  const shown = await admin.ask('GET', `/basic-auths/${basic.id}`)
  expect(shown.body).toMatchObject({ rotated_at: now(), previous_expires_at: now() + 60 })
  expect(shown.text).not.toContain('previous_secret')
  await admin.ask('PATCH', `/hmac-auths/${hmac.id}`, { tags: ['a'], previous_secret: 'forged' })
  expect(listsIn(admin).hmac_auths[0]?.previous?.secret).toBe('first')
  await admin.ask('PATCH', `/hmac-auths/${hmac.id}`, { secret: 'third' })
  expect(listsIn(admin).hmac_auths[0]?.previous, 'without overlap the old one ends').toBeUndefined()
})

test('every kind of credential expires by its ttl', async () => {
  const admin = await openWithConsumer()
  const bodies = {
    'basic-auth': { username: 'ann', password: 'x' },
    'hmac-auth': { username: 'ann' },
    jwt: {},
    'mtls-auth': { subject_name: 'ann' },
  }
  for (const [kind, body] of Object.entries(bodies))
    await admin.ask('POST', `/consumers/ann/${kind}`, { ...body, ttl: 90 })
  const { basic_auths, hmac_auths, jwts, mtls_auths } = listsIn(admin)
  const items = [basic_auths, hmac_auths, jwts, mtls_auths].flat()
  expect(items.map(({ expires_at: at }) => at)).toEqual(Array.from({ length: 4 }, () => now() + 90))
})

test('a rotation needs the rights for it, and its secrets are in no audit record', async () => {
  const admin = await openWithConsumer()
  const { body: key } = await admin.ask('POST', '/consumers/ann/key-auth', {})
  const { body: basic } = await admin.ask('POST', '/consumers/ann/basic-auth', {
    username: 'ann',
    password: 'a-password-of-ann',
  })
  const token = await addPrincipal(admin, {
    name: 'reader',
    workspace: 'default',
    endpoints: [{ endpoint: '*', actions: 'read' }],
  })
  const path = `/consumers/ann/key-auth/${key.id}/rotate`
  expect((await admin.ask('POST', path, {}, { token })).status).toBe(403)
  const first = await admin.ask('POST', path, {})
  const second = await admin.ask('POST', `/consumers/ann/basic-auth/${basic.id}/rotate`, {})
  const records = JSON.stringify(await admin.configuration.audit.read({}, 100))
  for (const secret of [key.key, first.body.secret, second.body.secret, 'a-password-of-ann'])
    expect(records).not.toContain(secret)
})

test('reports credentials by age, last use and expiry to those who may read them', async () => {
  const warehouse = await openTestWarehouse()
  const analytics = openAnalytics({ warehouse, rightsOf: () => undefined, clock })
  const admin = await openWithConsumer({
    findLastUses: (rights, ids) => findLastUses(analytics, rights, ids),
  })
  const make = async (kind: string, body: object = {}) =>
    (await admin.ask('POST', `/consumers/ann/${kind}`, body)).body.id as string
  const old = await make('key-auth')
  advance(90 * 86_400)
  const used = await make('key-auth', { ttl: 5 * 86_400 })
  const basic = await make('basic-auth', { username: 'ann-basic', password: 'x' })
  const workspace = (await admin.ask('GET', '/workspaces/default')).body.id
  await warehouse.store([
    {
      time: (now() - 40 * 86_400).toFixed(6),
      credential: old,
      workspace,
      workspace_name: 'default',
    },
    { time: now().toFixed(6), credential: used, workspace, workspace_name: 'default' },
  ])
  const ids = async (query = '', asking = {}) => {
    const { body } = await admin.ask('GET', `/credentials${query}`, undefined, asking)
    return body.data?.map(({ id }: { id: string }) => id).sort() ?? body
  }
  expect(await ids()).toEqual([old, used, basic].sort())
  expect(await ids('?older_than=90d')).toEqual([old])
  expect(await ids('?unused_for=30d')).toEqual([old])
  expect(await ids('?unused_for=41d')).toEqual([])
  expect(await ids('?unused_for=0')).toEqual([old, used, basic].sort())
  expect(await ids('?expires_within=5d')).toEqual([used])
  expect(await ids('?expires_within=4d')).toEqual([])
  expect(await ids('?kind=basic-auth')).toEqual([basic])
  expect(await ids('?consumer=ann')).toHaveLength(3)
  expect(await ids('?consumer=bob')).toEqual([])
  expect((await admin.ask('GET', '/credentials?older_than=soon')).status).toBe(400)
  const { body, text } = await admin.ask('GET', `/credentials?kind=key-auth&size=1`)
  expect(body.data).toMatchObject([{ kind: 'key-auth', name: null, consumer: { name: 'ann' } }])
  expect(body.last_use).toMatchObject({ is_known: true })
  const key = (await admin.ask('GET', `/key-auths/${used}`)).body.key
  expect(text).not.toContain(key)
  const next = await admin.ask('GET', `/credentials?kind=key-auth&size=1&offset=${body.offset}`)
  expect(new Set([body.data[0].id, next.body.data[0].id])).toEqual(new Set([old, used]))
  expect(next.body.offset).toBeNull()
  advance(6 * 86_400)
  expect(await ids('?expired=true')).toEqual([used])
  const add = (name: string, endpoints: { endpoint: string; actions: string }[]) =>
    addPrincipal(admin, { name, workspace: 'default', endpoints })
  const token = await add('keeper', [{ endpoint: '/key-auths/*', actions: 'read' }])
  expect(await ids('', { token })).toEqual([old, used].sort())
  const hidden = await admin.ask('GET', '/credentials', undefined, { token })
  expect(hidden.body.data[0]).toMatchObject({ last_used_at: null, consumer: { name: null } })
  expect(hidden.body.last_use.is_known).toBe(false)
  const nobody = await add('nobody', [{ endpoint: '/services', actions: 'read' }])
  expect((await admin.ask('GET', '/credentials', undefined, { token: nobody })).status).toBe(403)
  await warehouse.close()
})

test('a document that was dumped changes nothing, however old its credentials are', async () => {
  const admin = await openWithConsumer()
  await admin.ask('POST', '/consumers/ann/key-auth', { ttl: 50 })
  await admin.ask('POST', '/consumers/ann/basic-auth', { username: 'a', password: 'x', ttl: 500 })
  await admin.ask('POST', '/consumers/ann/basic-auth/a/rotate', { overlap: 400 })
  advance(100)
  const { body } = await admin.ask('GET', '/config/document')
  const plan = await admin.ask('POST', '/config/diff', body)
  expect(plan.body.items).toEqual([])
})
