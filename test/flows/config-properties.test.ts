import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeAuthority } from '../harness/make-certificate.ts'
import { addPrincipal, openTestAdmin, type TestAdmin } from './admin-harness.ts'

const names = fc.constantFrom('a', 'b', 'c', 'd')
const unique = <T>(item: fc.Arbitrary<T>, by: (item: T) => unknown) =>
  fc.uniqueArray(item, { maxLength: 4, selector: by })

const limiter = fc.record({
  name: fc.constant('limiter'),
  config: fc.record({
    minute: fc.integer({ min: 1, max: 3 }),
    by: fc.constantFrom('consumer', 'ip'),
  }),
})
const plugins = fc.oneof(
  fc.constant([]),
  limiter.map((one) => [one]),
  fc.constant([{ name: 'plain' }]),
)

const documents = fc
  .record({
    services: unique(
      fc.record({
        name: names,
        host: fc.constantFrom('one.test', 'two.test'),
        port: fc.constantFrom(80, 8080),
        tags: fc.constantFrom(['x'], ['x', 'y']),
        plugins,
      }),
      ({ name }) => name,
    ),
    routes: unique(
      fc.record({ name: names, paths: fc.constantFrom(['/a'], ['/a', '/b']), plugins }),
      ({ name }) => name,
    ),
    consumers: unique(
      fc.record({
        username: names,
        keys: unique(names, (key) => key),
        groups: unique(names, (group) => group),
      }),
      ({ username }) => username,
    ),
    groups: unique(names, (name) => name),
    home: fc.nat(3),
  })
  .map(({ services, routes, consumers, groups, home }) => {
    // API keys are unique, and routes refer to an existing service, if any.
    const taken = new Set<string>()
    const isNew = (key: string): boolean => !taken.has(key) && taken.add(key) !== undefined
    const service = services[home % Math.max(1, services.length)]?.name
    return {
      _format_version: '3.0',
      services,
      routes: routes.map((route) => ({ ...route, ...(service === undefined ? {} : { service }) })),
      consumer_groups: groups.map((name) => ({ name })),
      consumers: consumers.map(({ username, keys, groups: acls }) => ({
        username,
        keyauth_credentials: keys.filter(isNew).map((key) => ({ key })),
        acls: acls.map((group) => ({ group })),
        groups: groups.slice(0, 2).map((name) => ({ name })),
      })),
    }
  })

const sync = (admin: TestAdmin, document: unknown) =>
  admin.ask('POST', '/config/sync?allow_empty=true', document)
const dump = async (admin: TestAdmin) => (await admin.ask('GET', '/config/document')).body

test(
  'from any state, a sync produces the document and a rollback the earlier state',
  { timeout: 180_000 },
  async () => {
    const admin = await openTestAdmin()
    await fc.assert(
      fc.asyncProperty(documents, documents, async (first, second) => {
        expect((await sync(admin, first)).status).toBe(200)
        const { revision } = admin.configuration.current()
        const before = await dump(admin)
        expect((await admin.ask('POST', '/config/diff', before)).body.items).toEqual([])
        const planned = (await admin.ask('POST', '/config/diff', second)).body
        const done = (await sync(admin, second)).body
        expect(done.counts).toEqual(planned.counts)
        expect((await admin.ask('POST', '/config/diff', second)).body.items).toEqual([])
        expect(admin.configuration.current().revision - revision).toBe(
          done.items.length === 0 ? 0 : 1,
        )
        expect((await admin.ask('GET', '/config/drift')).body.items).toEqual([])
        const compared = (await admin.ask('GET', `/config/revisions/${revision}/compare`)).body
        expect(compared.counts).toMatchObject({
          created: done.counts.deleted,
          deleted: done.counts.created,
        })
        expect((await admin.ask('POST', `/config/revisions/${revision}/rollback`)).status).toBe(200)
        expect(await dump(admin)).toEqual(before)
      }),
      { numRuns: 25 },
    )
  },
)

test('a reader of one workspace sees only the history of that workspace', async () => {
  const admin = await openTestAdmin()
  for (const name of ['ProductX', 'ProductY']) {
    await admin.ask('POST', `/${name}/config/sync?message=of-${name}`, {
      _format_version: '3.0',
      services: [{ name: `service-of-${name}`, host: 'h.test' }],
    })
  }
  const token = await addPrincipal(admin, {
    name: 'xena',
    workspace: 'ProductX',
    endpoints: [{ endpoint: '*', actions: '*' }],
  })
  const ask = (path: string, method = 'GET') => admin.ask(method, path, undefined, { token })
  const own = await ask('/ProductX/config/revisions')
  expect(own.status).toBe(200)
  const listed = own.body.data.map(({ number }: { number: number }) => number)
  const foreign = admin.configuration.current().revision
  for (const path of [
    '/config/revisions',
    '/ProductY/config/revisions',
    '/ProductY/config/drift',
    '/config/document',
    '/ProductZ/config/document',
  ]) {
    expect([path, (await ask(path)).status]).toEqual([path, 403])
  }
  for (let number = 1; number <= foreign; number += 1) {
    const { status, text } = await ask(`/ProductX/config/revisions/${number}`)
    expect(text).not.toMatch(/ProductY/)
    expect(status === 200).toBe(listed.includes(number))
  }
  expect((await ask(`/config/revisions/1/rollback`, 'POST')).status).toBe(403)
  expect((await ask(`/ProductX/config/revisions/1/rollback`, 'POST')).status).toBe(200)
  expect((await admin.ask('GET', '/ProductX/services')).body.data).toEqual([])
  expect((await admin.ask('GET', '/ProductY/services')).body.data).toHaveLength(1)
})

test('a document with every kind of entity round-trips', async () => {
  // The ttl of an API key counts down.
  const now = Date.now()
  const admin = await openTestAdmin({ clock: { now: () => now } })
  const authority = await makeAuthority('tests')
  const { cert, key } = await authority.issue({ names: ['shop.test'] })
  const document = {
    _format_version: '3.0',
    certificates: [{ cert, key, snis: [{ name: 'shop.test' }] }],
    upstreams: [{ name: 'pool.test', targets: [{ target: '10.0.0.1:80', weight: 5 }] }],
    services: [{ name: 'tcp', protocol: 'tcp', host: 'pool.test', port: 9000 }],
    routes: [{ paths: ['/nameless'], service: 'tcp' }],
    ca_certificates: [{ cert: authority.cert }],
    vaults: [{ name: 'env', prefix: 'my-env', config: { prefix: 'APP_' } }],
    key_sets: [{ name: 'set' }],
    keys: [
      {
        name: 'one',
        kid: 'k1',
        set: { name: 'set' },
        jwk: '{"kty":"oct","k":"c2VjcmV0","kid":"k1"}',
      },
    ],
    consumer_groups: [{ name: 'gold', plugins: [{ name: 'limiter', config: { minute: 9 } }] }],
    consumers: [
      {
        username: 'alice',
        custom_id: '7',
        groups: [{ name: 'gold' }],
        basicauth_credentials: [{ username: 'alice', password: 'hers alone' }],
        hmacauth_credentials: [{ username: 'alice', secret: 'shared' }],
        jwt_secrets: [{ key: 'iss', secret: 'jwt secret', algorithm: 'HS256' }],
        oauth2_credentials: [
          { name: 'app', client_id: 'id', client_secret: 'cs', redirect_uris: ['https://a.test/'] },
        ],
        mtls_auth_credentials: [{ subject_name: 'alice@shop.test' }],
        keyauth_credentials: [{ key: 'alice-key', ttl: 3600 }],
        acls: [{ group: 'staff' }],
      },
    ],
  }
  expect((await sync(admin, document)).body.counts?.created).toBe(21)
  expect((await admin.ask('POST', '/config/diff', document)).body.items).toEqual([])
  const dumped = await dump(admin)
  expect((await admin.ask('POST', '/config/diff', dumped)).body.items).toEqual([])
  await sync(admin, { _format_version: '3.0' })
  expect(Object.keys(await dump(admin))).toEqual(['_format_version'])
  await admin.ask(
    'POST',
    `/config/revisions/${admin.configuration.current().revision - 1}/rollback`,
  )
  expect(await dump(admin)).toEqual(dumped)
})
