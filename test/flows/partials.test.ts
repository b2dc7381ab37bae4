import { expect, test } from 'vitest'
import { catalog } from '../../src/plugins/catalog.ts'
import { addPrincipal, openTestAdmin, type TestAdmin } from './admin-harness.ts'

const limiting = { name: 'rate-limiting', config: { minute: 5, policy: 'redis' } }

const redisOf = ({ configuration }: TestAdmin) =>
  [...configuration.current().snapshot.plugins.values()].map(({ config }) => config['redis'])

test('plugins run with the settings of their partial, also after it changes', async () => {
  const admin = await openTestAdmin({ catalog })
  const { ask } = admin
  const config = { host: 'redis.example', password: 'of-redis' }
  const made = await ask('POST', '/partials', { name: 'shared', type: 'redis-ce', config })
  expect(made).toMatchObject({ status: 201, body: { config: { ...config, port: 6379 } } })
  const { body: plugin } = await ask('POST', '/plugins', {
    ...limiting,
    partials: [{ name: 'shared' }],
  })
  const link = { id: made.body.id, name: 'shared', path: 'config.redis' }
  expect(plugin).toMatchObject({ partials: [link], config: { redis: config } })
  expect(redisOf(admin)).toMatchObject([config])
  await ask('PATCH', '/partials/shared', { config: { database: 7 } })
  expect(redisOf(admin)).toMatchObject([{ ...config, database: 7 }])
  const { body: shown } = await ask('GET', `/plugins/${plugin.id}`)
  expect(shown.config.redis).toMatchObject({ ...config, database: 7 })
  // A response can be sent back unchanged.
  expect((await ask('PUT', `/plugins/${plugin.id}`, shown)).status).toBe(200)
  const { body: patched } = await ask('PATCH', `/plugins/${plugin.id}`, { config: { minute: 9 } })
  expect(patched).toMatchObject({ partials: [link], config: { minute: 9, redis: config } })
  const linked = await ask('GET', '/partials/shared/links')
  expect(linked.body).toEqual({
    data: [{ id: plugin.id, name: 'rate-limiting', instance_name: null }],
    count: 1,
    next: null,
  })
  const own = { partials: null, config: { redis: { host: 'other.example' } } }
  await ask('PATCH', `/plugins/${plugin.id}`, own)
  expect(redisOf(admin)).toMatchObject([{ host: 'other.example', password: null, database: 0 }])
})

test('a partial cannot be deleted while plugins are linked to it, nor change its type', async () => {
  const { ask } = await openTestAdmin({ catalog })
  const { body } = await ask('PUT', '/partials/shared', {
    type: 'redis-ce',
    config: { host: 'redis.example' },
  })
  const { body: plugin } = await ask('POST', '/plugins', {
    ...limiting,
    partials: [{ id: body.id }],
  })
  expect(await ask('DELETE', '/partials/shared')).toMatchObject({
    status: 400,
    body: { code: 4, message: `an existing 'plugins' entity references this 'partials' entity` },
  })
  expect((await ask('PATCH', '/partials/shared', { type: 'redis-ee' })).status).toBe(400)
  await ask('DELETE', `/plugins/${plugin.id}`)
  expect((await ask('DELETE', '/partials/shared')).status).toBe(204)
})

test('refuses invalid links, and names the allowed ones', async () => {
  const { ask } = await openTestAdmin({ catalog })
  await ask('PUT', '/partials/a', { type: 'redis-ce', config: { host: 'a.example' } })
  await ask('PUT', '/partials/b', { type: 'redis-ee' })
  const refused = async (body: Record<string, unknown>) => {
    const { status, body: answer } = await ask('POST', '/plugins', { ...limiting, ...body })
    expect(status).toBe(400)
    return answer.fields
  }
  expect(await refused({ partials: [{ name: 'a' }, { name: 'b' }] })).toEqual({
    partials: 'more than one partial for config.redis',
  })
  expect(await refused({ partials: [{ name: 'a', path: 'config.second' }] })).toEqual({
    partials: 'a partial of type redis-ce can be linked at config.redis',
  })
  expect(await refused({ name: 'key-auth', config: {}, partials: [{ name: 'a' }] })).toEqual({
    partials: 'the plugin does not support partials of type redis-ce',
  })
  expect(
    await refused({
      config: { ...limiting.config, redis: { host: 'b.example' } },
      partials: [{ name: 'a' }],
    }),
  ).toEqual({ config: { redis: 'is set by a partial' } })
  expect(await refused({ partials: [{ name: 'none' }] })).toMatchObject({ partials: {} })
  expect(await refused({ partials: [{ path: 'config.redis' }] })).toMatchObject({ partials: {} })
  expect(await refused({ config: 5, partials: [{ name: 'a' }] })).toEqual({
    config: 'expected a record',
  })
  const unset = { name: 'c', type: 'redis-ce' }
  await ask('POST', '/partials', unset)
  expect(await refused({ partials: [{ name: 'c' }] })).toMatchObject({
    config: { redis: { host: 'required field missing' } },
  })
  expect(await ask('POST', '/partials', { type: 'vectordb' })).toMatchObject({
    status: 400,
    body: { fields: { type: 'expected one of: redis-ce, redis-ee' } },
  })
})

test('a reader of plugins sees nothing of a partial that it may not read, and cannot link one', async () => {
  const admin = await openTestAdmin({ catalog })
  const { ask } = admin
  const secret = { host: 'redis.example', password: 'of-redis' }
  await ask('PUT', '/partials/hidden', { type: 'redis-ce', config: secret })
  const { body: plugin } = await ask('POST', '/plugins', {
    ...limiting,
    partials: [{ name: 'hidden' }],
  })
  const endpoints = [
    { endpoint: '/plugins', actions: '*' },
    { endpoint: '/plugins/*', actions: '*' },
  ]
  const token = await addPrincipal(admin, { name: 'ann', workspace: 'default', endpoints })
  for (const path of ['/plugins', `/plugins/${plugin.id}`]) {
    const { status, text } = await ask('GET', path, undefined, { token })
    expect(status).toBe(200)
    expect(text).not.toMatch(/hidden|of-redis|redis\.example/)
  }
  const more = { ...limiting, instance_name: 'more', partials: [{ name: 'hidden' }] }
  const hidden = await ask('POST', '/plugins', more, { token })
  const absent = await ask(
    'POST',
    '/plugins',
    { ...more, partials: [{ name: 'absent' }] },
    { token },
  )
  expect([hidden.status, hidden.text.replaceAll('hidden', 'absent')]).toEqual([400, absent.text])
  // The link that is there can stay.
  expect((await ask('PATCH', `/plugins/${plugin.id}`, { enabled: false }, { token })).status).toBe(
    200,
  )
})

test('a document links plugins to partials by name, and is written the same', async () => {
  const { ask } = await openTestAdmin({ catalog })
  const document = {
    _format_version: '3.0',
    partials: [{ name: 'shared', type: 'redis-ee', config: { host: 'redis.example' } }],
    plugins: [{ ...limiting, partials: [{ name: 'shared', path: 'config.redis' }] }],
  }
  expect((await ask('POST', '/config/sync', document)).status).toBe(200)
  const dumped = (await ask('GET', '/config/document')).body
  expect(dumped.partials).toMatchObject(document.partials)
  expect(dumped.plugins).toMatchObject(document.plugins)
  expect(dumped.plugins[0].config).not.toHaveProperty('redis')
  expect((await ask('POST', '/config/diff', dumped)).body.items).toEqual([])
  const without = { ...document, partials: [], plugins: [] }
  expect((await ask('POST', '/config/sync?allow_empty=true', without)).status).toBe(200)
})
