import { expect, test } from 'vitest'
import { addPrincipal, openTestAdmin, type Asking, type TestAdmin } from './admin-harness.ts'

const shop = {
  _format_version: '3.0',
  services: [
    {
      name: 'orders',
      url: 'http://orders.test:8080/v1',
      routes: [
        { name: 'orders-read', paths: ['/orders'], methods: ['GET'] },
        { name: 'orders-write', paths: ['/orders'], methods: ['POST'] },
      ],
      plugins: [{ name: 'limiter', config: { minute: 10 } }],
    },
  ],
  routes: [{ name: 'stray', service: 'orders', hosts: ['stray.test'], paths: ['/stray'] }],
  consumers: [
    {
      username: 'alice',
      keyauth_credentials: [{ key: 'alice-key' }],
      acls: [{ group: 'staff' }],
      plugins: [{ name: 'limiter', config: { minute: 3 } }],
      groups: [{ name: 'gold' }],
    },
  ],
  consumer_groups: [{ name: 'gold' }],
  upstreams: [{ name: 'orders.pool', targets: [{ target: '10.0.0.1' }] }],
  plugins: [{ name: 'plain', route: 'stray', consumer: 'alice' }],
}

const without = (document: typeof shop, ...names: (keyof typeof shop)[]) =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name as never)))

const sync = (admin: TestAdmin, document: unknown, query = '', asking: Asking = {}) =>
  admin.ask('POST', `/config/sync${query}`, document, asking)

test('applies a document as one revision, after which there is no difference', async () => {
  const admin = await openTestAdmin()
  const { revision } = admin.configuration.current()
  const planned = await admin.ask('POST', '/config/diff', shop)
  expect(planned.body.counts).toEqual({ created: 14, updated: 0, deleted: 0 })
  expect(admin.configuration.current().revision).toBe(revision)
  const synced = await sync(admin, shop, '?message=first')
  expect(synced.body).toMatchObject({ revision: revision + 1, counts: { created: 14 } })
  const again = await admin.ask('POST', '/config/diff', shop)
  expect(again.body).toMatchObject({ counts: { created: 0, updated: 0, deleted: 0 }, items: [] })
  expect(again.body.unchanged).toBe(14)
})

test('dumps what was synced, and syncing the dump changes nothing', async () => {
  const admin = await openTestAdmin()
  await sync(admin, shop)
  const dumped = (await admin.ask('GET', '/config/document')).body
  expect(dumped.services[0]).toMatchObject({ name: 'orders', host: 'orders.test', port: 8080 })
  expect(dumped.services[0].routes).toHaveLength(3)
  expect(dumped.consumers[0]).toEqual({
    username: 'alice',
    groups: [{ name: 'gold' }],
    keyauth_credentials: [{ key: 'alice-key' }],
    acls: [{ group: 'staff' }],
    plugins: [{ name: 'limiter', config: { minute: 3, by: 'consumer' } }],
  })
  expect((await admin.ask('POST', '/config/diff', dumped)).body.items).toEqual([])
  await sync(admin, { _format_version: '3.0' }, '?allow_empty=true')
  await sync(admin, dumped)
  expect((await admin.ask('GET', '/config/document')).body).toEqual(dumped)
})

test('a plan lists changes by field and contains no secret', async () => {
  const admin = await openTestAdmin()
  await sync(admin, shop)
  const changed = structuredClone(shop) as typeof shop & { services: { port?: number }[] }
  Object.assign(changed.services[0] as object, { url: 'http://orders.test:9090/v1' })
  changed.services[0]?.routes.pop()
  Object.assign(changed.consumers[0] as object, { keyauth_credentials: [{ key: 'other-key' }] })
  const { text, body } = await admin.ask('POST', '/config/diff', changed)
  expect(body.counts).toEqual({ created: 1, updated: 1, deleted: 2 })
  expect(body.items).toMatchObject([
    {
      kind: 'update',
      entity: 'service',
      name: 'orders',
      fields: [{ path: 'port', before: 8080, after: 9090 }],
    },
    { kind: 'create', entity: 'key-auth', under: 'consumer alice' },
    { kind: 'delete', entity: 'key-auth', under: 'consumer alice' },
    { kind: 'delete', entity: 'route', name: 'orders-write' },
  ])
  expect(text).not.toMatch(/alice-key|other-key/)
})

test('reports all errors of a document with their positions, and changes nothing', async () => {
  const admin = await openTestAdmin()
  const { revision } = admin.configuration.current()
  const { status, body } = await sync(admin, {
    _format_version: '3.0',
    services: [
      { name: 'good', host: 'a.test' },
      { name: 'bad' },
      { name: 'worse', host: 'h', port: 'x' },
    ],
    plugins: [{ name: 'no-such' }],
  })
  expect(status).toBe(400)
  expect(body).toMatchObject({ code: 14, name: 'invalid declarative configuration' })
  expect(body.flattened_errors.map(({ where }: { where: string }) => where)).toEqual([
    'services[1]',
    'services[2]',
    'plugins[0]',
  ])
  expect(admin.configuration.current().revision).toBe(revision)
})

test.each([
  [{}, /_format_version/],
  [{ _format_version: '1.1' }, /_format_version: expected "3.0"/],
  [{ _format_version: '3.0', servces: [] }, /servces: unknown field/],
  [{ _format_version: '3.0', services: {} }, /services: expected an array/],
  [
    { _format_version: '3.0', routes: [{ name: 'r', service: 'nobody', paths: ['/'] }] },
    /routes\[0\]\.service: no service 'nobody'/,
  ],
  [
    { _format_version: '3.0', consumers: [{ username: 'a' }, { username: 'a' }] },
    /consumers\[1\]: duplicate of consumers\[0\]/,
  ],
  [
    { _format_version: '3.0', _workspace: 'other' },
    /_workspace: the document is for workspace 'other'/,
  ],
])('%j is refused', async (document, words) => {
  const admin = await openTestAdmin()
  const { status, body } = await admin.ask('POST', '/config/validate', document)
  expect(status).toBe(400)
  expect(body.message).toMatch(words)
})

test('changes only entities with the select tags', async () => {
  const admin = await openTestAdmin()
  await admin.ask('POST', '/services', { name: 'theirs', host: 'theirs.test' })
  const tagged = { ...shop, _info: { select_tags: ['team-a'] } }
  await sync(admin, tagged)
  const own = (await admin.ask('GET', '/services/orders')).body
  expect(own.tags).toEqual(['team-a'])
  const none = { _format_version: '3.0', _info: { select_tags: ['team-a'] } }
  await sync(admin, none, '?allow_empty=true')
  expect((await admin.ask('GET', '/services/orders')).status).toBe(404)
  expect((await admin.ask('GET', '/services/theirs')).status).toBe(200)
  expect((await admin.ask('GET', '/key-auths')).body.data).toEqual([])
})

test('a document without entities empties a workspace only with allow_empty', async () => {
  const admin = await openTestAdmin()
  const none = { _format_version: '3.0' }
  expect((await sync(admin, none)).status).toBe(200)
  await admin.ask('POST', '/services', { name: 'kept', host: 'kept.test' })
  for (const path of ['/config/sync', '/config']) {
    expect(await admin.ask('POST', path, none)).toMatchObject({
      status: 400,
      body: {
        message: 'The document has no entities and would delete all existing ones',
        because: 'It would delete 1 entity. Send allow_empty=true to confirm.',
      },
    })
  }
  expect((await admin.ask('GET', '/services/kept')).status).toBe(200)
  expect((await sync(admin, none, '?keep_rest=true')).status).toBe(200)
  expect((await admin.ask('POST', '/config?allow_empty=true', none)).status).toBe(201)
  expect((await admin.ask('GET', '/services/kept')).status).toBe(404)
})

test('creates a missing workspace, and changes no other', async () => {
  const admin = await openTestAdmin()
  await sync(admin, shop)
  const elsewhere = JSON.stringify({ ...shop, _workspace: 'ProductX' })
    .replaceAll('"/', '"/x/')
    .replaceAll('stray.test', 'x.test')
  const synced = await admin.ask('POST', '/ProductX/config/sync', elsewhere)
  expect(synced.body.counts.created).toBe(15)
  expect((await admin.ask('POST', '/config/diff', shop)).body.items).toEqual([])
  expect((await admin.ask('GET', '/ProductX/config/document')).body).toMatchObject({
    _workspace: 'ProductX',
    services: [{ name: 'orders' }],
  })
})

test('renames, swaps and moves entities in one change', async () => {
  const admin = await openTestAdmin()
  const a = 'aaaaaaaa-0000-4000-8000-000000000000'
  const b = 'bbbbbbbb-0000-4000-8000-000000000000'
  const document = (one: string, other: string) => ({
    _format_version: '3.0',
    services: [
      { id: a, name: 'one', host: 'a.test', routes: [{ name: one, paths: ['/a'] }] },
      { id: b, name: 'two', host: 'b.test', routes: [{ name: other, paths: ['/b'] }] },
    ],
  })
  await sync(admin, document('x', 'y'))
  const moved = await sync(admin, document('y', 'x'))
  expect(moved.body.counts).toEqual({ created: 0, updated: 2, deleted: 0 })
  const gone = await sync(admin, {
    _format_version: '3.0',
    services: [{ name: 'three', host: 'c.test', routes: [{ name: 'x', paths: ['/x'] }] }],
  })
  expect(gone.body.counts).toEqual({ created: 1, updated: 1, deleted: 3 })
})

test('lists the author, time, message and changes of each revision, and rolls back to any', async () => {
  const admin = await openTestAdmin()
  await sync(admin, shop, '?message=first')
  const first = admin.configuration.current().revision
  const before = (await admin.ask('GET', '/config/document')).body
  await admin.ask('PATCH', '/services/orders', { port: 9999 })
  await sync(admin, without(shop, 'consumers', 'plugins'), '?message=second')
  const listed = (await admin.ask('GET', '/config/revisions?size=2')).body.data
  expect(listed).toMatchObject([
    {
      number: first + 2,
      principal: 'admin',
      message: 'second',
      counts: { created: 0, updated: 1, deleted: 6 },
    },
    { number: first + 1, principal: 'admin', message: null, counts: { updated: 1 } },
  ])
  const shown = (await admin.ask('GET', `/config/revisions/${first + 1}`)).body
  expect(shown.items).toMatchObject([
    { entity: 'service', fields: [{ path: 'port', before: 8080, after: 9999 }] },
  ])
  const compared = (await admin.ask('GET', `/config/revisions/${first}/compare`)).body
  expect(compared.counts).toEqual({ created: 6, updated: 0, deleted: 0 })
  const back = await admin.ask('POST', `/config/revisions/${first}/rollback`)
  expect(back.body).toMatchObject({ revision: first + 3, counts: { created: 6 } })
  expect((await admin.ask('GET', '/config/document')).body).toEqual(before)
  expect((await admin.ask('GET', '/config/revisions/99999')).status).toBe(404)
})

test('drift lists the changes since the last sync with their authors', async () => {
  const admin = await openTestAdmin()
  expect((await admin.ask('GET', '/config/drift')).body).toMatchObject({ items: [] })
  await sync(admin, shop, '?message=release')
  expect((await admin.ask('GET', '/config/drift')).body.items).toEqual([])
  const token = await addPrincipal(admin, {
    name: 'bob',
    workspace: 'default',
    endpoints: [{ endpoint: '*', actions: '*' }],
  })
  await admin.ask('PATCH', '/services/orders', { port: 1 }, { token })
  await admin.ask('DELETE', '/consumers/alice', undefined, { token })
  const drift = (await admin.ask('GET', '/config/drift')).body
  expect(drift.synced).toMatchObject({ message: 'release', principal: 'admin' })
  expect(drift.counts).toEqual({ created: 0, updated: 1, deleted: 6 })
  expect(drift.items[0]).toMatchObject({ name: 'orders', by: [{ principal: 'bob' }] })
  await sync(admin, shop)
  expect((await admin.ask('GET', '/config/drift')).body.items).toEqual([])
})

test('a sync requires the permissions of each of its changes', async () => {
  const admin = await openTestAdmin()
  await sync(admin, shop)
  const token = await addPrincipal(admin, {
    name: 'router',
    workspace: 'default',
    endpoints: [
      { endpoint: '/config/*', actions: 'read,update' },
      { endpoint: '/services', actions: 'read' },
      { endpoint: '/services/*', actions: 'read' },
      { endpoint: '/routes', actions: 'read,create' },
      { endpoint: '/routes/*', actions: '*' },
    ],
  })
  const asking = { token }
  const dumped = (await admin.ask('GET', '/config/document', undefined, asking)).body
  expect(Object.keys(dumped)).toEqual(['_format_version', 'services'])
  const more = structuredClone(dumped)
  more.services[0].routes.push({ name: 'more', paths: ['/more'] })
  expect((await sync(admin, more, '', asking)).body.counts).toEqual({
    created: 1,
    updated: 0,
    deleted: 0,
  })
  more.services[0].port = 1
  const refused = await sync(admin, more, '', asking)
  expect(refused.status).toBe(403)
  expect((await admin.ask('GET', '/consumers/alice')).status).toBe(200)
})

test('applies a reviewed plan only to the revision that it was made for', async () => {
  const admin = await openTestAdmin()
  const planned = (await admin.ask('POST', '/config/diff', shop)).body
  await admin.ask('POST', '/services', { name: 'late', host: 'late.test' })
  const refused = await sync(admin, shop, `?revision=${planned.revision}`)
  expect(refused.status).toBe(409)
  expect(refused.body.message).toMatch(/planned on revision/)
})

test('streams progress to clients that accept NDJSON', async () => {
  const admin = await openTestAdmin()
  const services = Array.from({ length: 450 }, (_, at) => ({ name: `s${at}`, host: 'h.test' }))
  const { text } = await sync(admin, { _format_version: '3.0', services }, '', {
    headers: { accept: 'application/x-ndjson' },
  })
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines[0]).toEqual({ progress: { phase: 'plan', done: 100, total: 450 } })
  expect(lines.at(-2)).toEqual({ progress: { phase: 'change', done: 450, total: 450 } })
  expect(lines.at(-1).result.counts).toEqual({ created: 450, updated: 0, deleted: 0 })
})
