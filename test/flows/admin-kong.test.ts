import { expect, test } from 'vitest'
import { catalog as plugins } from '../../src/plugins/catalog.ts'
import { freshDatabase } from '../harness/store-engines.ts'
import { openTestAdmin } from './admin-harness.ts'

test('returns Kong’s error messages', async () => {
  const admin = await openTestAdmin()
  const said = async (method: string, path: string, body?: unknown) =>
    (await admin.ask(method, path, body)).body.message as string
  expect(await said('POST', '/services', {})).toBe(
    'schema violation (host: required field missing)',
  )
  expect(await said('POST', '/services', { host: 'h', port: 99_999, retries: 'x' })).toBe(
    '2 schema violations (port: value should be between 0 and 65535; retries: expected an integer)',
  )
  expect(await said('POST', '/consumers', {})).toBe(
    `schema violation (at least one of these fields must be non-empty: 'custom_id', 'username')`,
  )
  expect(await said('POST', '/routes', { name: 'r' })).toBe(
    `schema violation (must set one of 'methods', 'hosts', 'headers', 'paths', 'snis', 'expression' when 'protocols' is 'https')`,
  )
  expect(await said('POST', '/routes', { paths: ['/a//b'] })).toContain(
    'must not have empty segments',
  )
  expect(await said('POST', '/plugins', { name: 'x' })).toBe(
    `schema violation (name: plugin 'x' not enabled; add it to the 'plugins' configuration property)`,
  )
  expect(await said('POST', '/plugins', { name: 'limiter', config: {} })).toBe(
    'schema violation (config.minute: required field missing)',
  )
  expect(
    await said('POST', '/plugins', { name: 'limiter', config: { minute: 1, by: 'x', y: 1 } }),
  ).toBe('2 schema violations (config.by: expected one of: consumer, ip; config.y: unknown field)')
  await admin.ask('POST', '/services', { name: 's', host: 'h' })
  expect(await said('POST', '/services', { name: 's', host: 'h' })).toBe(
    `UNIQUE violation detected on '{name="s"}'`,
  )
  expect(
    await said('POST', '/services/s/routes', { paths: ['/a'], service: { name: 'other' } }),
  ).toBeUndefined()
  expect(await said('DELETE', '/services/s')).toBe(
    `an existing 'routes' entity references this 'services' entity`,
  )
  expect(await said('POST', '/routes', { paths: ['/a'], service: { name: 'nope' } })).toBe(
    `foreign key unresolved (service.name: the foreign key cannot be resolved with '{name="nope"}' for an existing 'services' entity)`,
  )
  const id = '00000000-0000-4000-8000-000000000000'
  expect(await said('POST', '/routes', { paths: ['/a'], service: { id } })).toBe(
    `the foreign key '{id="${id}"}' does not reference an existing 'services' entity.`,
  )
  expect(await said('GET', '/services/nope')).toBe('Not found')
  expect(await said('GET', '/nope')).toBe('Not found')
  expect(await said('GET', '/targets')).toBe('Not found')
  expect(await said('PUT', '/services', {})).toBe('Method not allowed')
})

test('returns Kong’s status codes', async () => {
  const admin = await openTestAdmin()
  const status = async (method: string, path: string, body?: unknown) =>
    (await admin.ask(method, path, body)).status
  expect(await status('PUT', '/services/by-name', { host: 'h' })).toBe(200)
  expect(await status('DELETE', '/services/absent')).toBe(204)
  expect(await status('POST', '/services/by-name/routes', { name: 'r', paths: ['/'] })).toBe(201)
  expect(await status('DELETE', '/services/by-name/routes/absent')).toBe(404)
  expect(await status('DELETE', '/routes/r/service')).toBe(405)
  expect(await status('PATCH', '/routes/absent', {})).toBe(404)
  expect(await status('GET', '/services/')).toBe(200)
  expect(await status('GET', '//services//by-name')).toBe(200)
  const options = await admin.ask('OPTIONS', '/services')
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, POST'])
  expect((await admin.ask('PUT', '/services')).headers.get('allow')).toBe(
    'GET, HEAD, OPTIONS, POST',
  )
  const root = await admin.ask('GET', '/')
  const database = (await freshDatabase()).startsWith('postgres:') ? 'postgres' : 'sqlite'
  expect(root.body).toMatchObject({
    configuration: { database },
    version: expect.stringMatching(/^\d+\.\d+/),
    weir: { version: '0.0.0-test' },
  })
  expect(root.headers.get('server')).toBe('weir/0.0.0-test')
  expect(Number(root.headers.get('x-kong-admin-latency'))).toBeGreaterThanOrEqual(0)
})

test('following next visits every entity once', async () => {
  const admin = await openTestAdmin()
  for (let number = 0; number < 7; number += 1) {
    await admin.ask('PUT', `/services/s${number}`, {
      host: 'h',
      tags: [number % 2 === 0 ? 'even' : 'odd', 'all'],
    })
  }
  const walk = async (query: string) => {
    const names: string[] = []
    let path: string | null = `/services?${query}`
    while (path !== null) {
      const { body } = await admin.ask('GET', path)
      names.push(...body.data.map(({ name }: { name: string }) => name))
      expect(typeof body.offset).toBe(body.next === null ? 'undefined' : 'string')
      path = body.next as string | null
    }
    return names.sort()
  }
  expect(await walk('size=3')).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6'])
  expect(await walk('size=1&tags=odd,all')).toEqual(['s1', 's3', 's5'])
  expect(await walk('size=2&tags=odd/even')).toHaveLength(7)
  expect(await walk('tags=odd,even')).toEqual([])
})

test('PATCH changes the given fields, PUT resets all others', async () => {
  const admin = await openTestAdmin()
  await admin.ask('PUT', '/services/s', { host: 'h', retries: 1, tags: ['a'] })
  await admin.ask('POST', '/plugins', {
    name: 'limiter',
    instance_name: 'p',
    config: { minute: 1, by: 'ip' },
  })
  expect((await admin.ask('PATCH', '/services/s', { host: 'i', tags: null })).body).toMatchObject({
    host: 'i',
    retries: 1,
    tags: null,
  })
  expect((await admin.ask('PUT', '/services/s', { host: 'j' })).body).toMatchObject({
    host: 'j',
    retries: 5,
  })
  const { body } = await admin.ask('PATCH', '/plugins/p', { config: { minute: 2 } })
  expect(body.config).toEqual({ minute: 2, by: 'ip', note: null })
})

test('returns schemas in Kong’s format, and validates bodies against them', async () => {
  const admin = await openTestAdmin()
  const { body } = await admin.ask('GET', '/schemas/services')
  expect(body.fields).toContainEqual({
    port: { type: 'integer', between: [0, 65_535], default: 80, description: expect.any(String) },
  })
  expect(body.fields).toContainEqual({
    host: expect.objectContaining({ type: 'string', required: true }),
  })
  const { body: limiter } = await admin.ask('GET', '/schemas/plugins/limiter')
  expect(limiter.fields.at(-1).config.fields).toContainEqual({
    by: { type: 'string', default: 'consumer', one_of: ['consumer', 'ip'] },
  })
  for (const [path, message] of [
    ['/schemas/plugins/nope', "No plugin named 'nope'"],
    ['/plugins/schema/nope', "No plugin named 'nope'"],
    ['/schemas/vaults/nope', "No vault named 'nope'"],
    ['/schemas/nope', "No entity named 'nope'"],
  ] as const) {
    expect(await admin.ask('GET', path)).toMatchObject({ status: 404, body: { message } })
  }
  const { body: settings } = await admin.ask('GET', '/plugins/schema/limiter')
  expect(settings.fields).toEqual(limiter.fields.at(-1).config.fields)
  const valid = await admin.ask('POST', '/schemas/services/validate', { host: 'h' })
  expect(valid).toMatchObject({ status: 200, body: { message: 'schema validation successful' } })
  expect((await admin.ask('POST', '/schemas/services/validate', {})).status).toBe(400)
  expect((await admin.ask('POST', '/schemas/plugins/validate', { name: 'x' })).status).toBe(400)
})

test('reads and writes roles and permissions in Kong’s format', async () => {
  const admin = await openTestAdmin()
  await admin.ask('POST', '/workspaces', { name: 'W' })
  const roles = (await admin.ask('GET', '/W/rbac/roles/')).body.data
  expect(roles.map(({ name }: { name: string }) => name).sort()).toEqual([
    'workspace-admin',
    'workspace-read-only',
    'workspace-super-admin',
  ])
  await admin.ask('POST', '/W/rbac/roles', { name: 'dev' })
  const added = await admin.ask('POST', '/W/rbac/roles/dev/endpoints', {
    endpoint: 'services/*',
    actions: 'read,update',
  })
  expect(added).toMatchObject({
    status: 201,
    body: { workspace: 'W', endpoint: '/services/*', actions: ['read', 'update'], negative: false },
  })
  await admin.ask('POST', '/W/rbac/roles/dev/endpoints', { endpoint: '*', actions: '*' })
  const one = await admin.ask('PATCH', '/W/rbac/roles/dev/endpoints/W/services/*', {
    actions: 'read',
  })
  expect(one.body.actions).toEqual(['read'])
  const all = { actions: ['create', 'delete', 'read', 'update'], negative: false }
  expect((await admin.ask('GET', '/W/rbac/roles/dev/permissions')).body).toEqual({
    endpoints: { W: { '/services/*': { actions: ['read'], negative: false }, '*': all } },
    entities: {},
  })
  expect((await admin.ask('DELETE', '/W/rbac/roles/dev/endpoints/W//*')).status).toBe(204)
  expect((await admin.ask('GET', '/W/rbac/roles/dev/endpoints/W/*')).status).toBe(404)
  await admin.ask('POST', '/rbac/users', { name: 'ann', user_token: 'the-token-of-ann' })
  const given = await admin.ask('POST', '/W/rbac/users/ann/roles', {
    roles: 'dev, workspace-admin',
  })
  expect(given).toMatchObject({ status: 201, body: { user: { name: 'ann' } } })
  expect(given.body.roles.map(({ name }: { name: string }) => name).sort()).toEqual([
    'dev',
    'workspace-admin',
  ])
  expect((await admin.ask('DELETE', '/W/rbac/users/ann/roles', { roles: 'dev' })).status).toBe(204)
  expect((await admin.ask('GET', '/W/rbac/users/ann/roles')).body.roles).toHaveLength(1)
  expect((await admin.ask('POST', '/W/rbac/users/ann/roles', { roles: 'nope' })).status).toBe(400)
  expect(
    (await admin.ask('GET', '/userinfo', undefined, { token: 'the-token-of-ann' })).status,
  ).toBe(200)
  await admin.ask('PATCH', '/rbac/users/ann', { user_token: 'another-token-of-ann' })
  expect(
    (await admin.ask('GET', '/userinfo', undefined, { token: 'the-token-of-ann' })).status,
  ).toBe(401)
})

test('a workspace cannot be renamed, nor deleted while it has entities', async () => {
  const admin = await openTestAdmin()
  await admin.ask('POST', '/workspaces', { name: 'W' })
  await admin.ask('PUT', '/W/services/s', { host: 'h' })
  const rename = await admin.ask('PATCH', '/workspaces/W', { name: 'V' })
  expect(rename).toMatchObject({ status: 400, body: { message: 'Cannot rename a workspace' } })
  const full = await admin.ask('DELETE', '/workspaces/W')
  expect(full).toMatchObject({ status: 400, body: { message: 'Workspace is not empty' } })
  await admin.ask('DELETE', '/W/services/s')
  expect((await admin.ask('DELETE', '/workspaces/W')).status).toBe(204)
  expect((await admin.ask('DELETE', '/workspaces/default')).status).toBe(400)
})

test('the ttl of an API key starts when it is set', async () => {
  let now = 1_800_000_000_000
  const admin = await openTestAdmin({ clock: { now: () => now } })
  await admin.ask('PUT', '/consumers/c', {})
  const { body } = await admin.ask('POST', '/consumers/c/key-auth', { ttl: 100 })
  expect(body.key).toMatch(/^[\w-]{20,}$/)
  now += 40_000
  expect((await admin.ask('GET', `/key-auths/${body.id}`)).body.ttl).toBe(60)
  await admin.ask('PATCH', `/key-auths/${body.key}`, { tags: ['x'] })
  expect((await admin.ask('GET', `/key-auths/${body.id}`)).body.ttl).toBe(60)
  await admin.ask('PATCH', `/key-auths/${body.id}`, { ttl: 500 })
  expect((await admin.ask('GET', `/key-auths/${body.id}`)).body.ttl).toBe(500)
  const [key] = admin.configuration.current().snapshot.keys.values()
  expect(key?.expires_at).toBe(now / 1000 + 500)
})

test('plugins have the settings, deprecated names, scopes and rules of Kong', async () => {
  const { ask } = await openTestAdmin({ catalog: plugins })
  const put = async (config: Record<string, unknown>) =>
    (
      await ask('PUT', '/plugins/a0000000-0000-4000-8000-000000000000', {
        name: 'rate-limiting',
        config,
      })
    ).body
  const defaults = {
    policy: 'local',
    sync_rate: -1,
    redis: {
      host: null,
      port: 6379,
      timeout: 2000,
      username: null,
      password: null,
      database: 0,
      ssl: false,
      ssl_verify: false,
      server_name: null,
    },
  }
  // As in a dump of Kong, which has the deprecated names too.
  const dumped = { minute: 5, ...defaults, redis_host: null, redis_port: 6379, redis_ssl: false }
  expect((await put(dumped)).config).toMatchObject(defaults)
  expect((await put({ minute: 5 })).config).toMatchObject(defaults)
  expect((await put({ minute: 5, policy: 'cluster' })).config.policy).toBe('cluster')
  const moved = await put({ minute: 5, policy: 'redis', redis_host: 'h', redis_database: 2 })
  expect(moved.config.redis).toMatchObject({ host: 'h', database: 2, port: 6379 })
  const patch = { config: { redis_host: 'other' } }
  const { body: patched } = await ask('PATCH', `/plugins/${moved.id}`, patch)
  expect(patched.config.redis).toMatchObject({ host: 'other', database: 2 })
  for (const [config, fields] of [
    [
      { second: 10, minute: 5 },
      { config: 'The limit for minute(5.0) cannot be lower than the limit for second(10.0)' },
    ],
    [
      { hour: 10, year: 5 },
      { config: 'The limit for year(5.0) cannot be lower than the limit for hour(10.0)' },
    ],
    [{ minute: 5, sync_rate: 1 }, { config: 'sync_rate can only be used with the redis policy' }],
    [
      { minute: 5, policy: 'redis', redis: { host: 'h' }, sync_rate: 0.01 },
      { config: 'sync_rate must be greater than 0.02, or -1 to disable' },
    ],
    [
      { minute: 5, policy: 'redis' },
      {
        config: { redis: { host: 'required field missing' } },
        '@entity': ["failed conditional validation given value of field 'config.policy'"],
      },
    ],
    [{ minute: 5, limit_by: 'header' }, { config: { header_name: 'required field missing' } }],
    [
      { minute: 5, redis: { host: 'a' }, redis_host: 'b' },
      {
        config: {
          redis_host:
            'both deprecated and new field are used but their values mismatch: redis_host = b vs redis.host = a',
        },
      },
    ],
    [
      {},
      {
        '@entity': [
          "at least one of these fields must be non-empty: 'config.second', 'config.minute', 'config.hour', 'config.day', 'config.month', 'config.year'",
        ],
      },
    ],
  ] as const) {
    expect(await put(config)).toMatchObject({ code: 2, name: 'schema violation', fields })
  }
  const { body: consumer } = await ask('PUT', '/consumers/ann', {})
  for (const [name, settings] of [
    ['key-auth', {}],
    ['acl', { allow: ['a'] }],
  ] as const) {
    const scoped = { name, config: settings, consumer: { id: consumer.id } }
    expect(await ask('POST', '/plugins', scoped)).toMatchObject({
      status: 400,
      body: { message: 'schema violation (consumer: value must be null)' },
    })
  }
  const terminating = { name: 'request-termination', config: { echo: true, body: 'x' } }
  expect((await ask('POST', '/plugins', terminating)).body).toMatchObject({
    fields: { config: 'echo cannot be used with content_type and body' },
  })
  const { body: schema } = await ask('GET', '/schemas/plugins/rate-limiting')
  const { config } = schema.fields.at(-1)
  expect(config.fields).toContainEqual({ redis: expect.objectContaining({ required: true }) })
  expect(config.shorthand_fields).toContainEqual({
    redis_port: {
      type: 'integer',
      deprecation: {
        message: expect.stringContaining('config.redis.port'),
        replaced_with: [{ path: ['redis', 'port'] }],
      },
    },
  })
})
