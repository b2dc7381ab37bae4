import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adminToken, openTestAdmin, type TestAdmin } from './admin-harness.ts'
import { untilClosed } from '../harness/until-closed.ts'

test('rejects bodies that do not match their content type, and stores nothing', async () => {
  const admin = await openTestAdmin()
  const before = admin.configuration.current().revision
  const json = { 'content-type': 'application/json' }
  const deep = `${'['.repeat(100)}${']'.repeat(100)}`
  const cannotParse = { status: 400, body: { message: 'Cannot parse JSON body' } }
  for (const body of [
    '{',
    '[]',
    '"text"',
    '1',
    '{"a":1}x',
    '{"__proto__":{"admin":true}}',
    `{"host":${deep}}`,
  ]) {
    expect(await admin.ask('POST', '/services', body)).toMatchObject(cannotParse)
  }
  const type = { headers: { 'content-type': 'text/plain' } }
  expect((await admin.ask('POST', '/services', 'host=h', type)).status).toBe(415)
  const form = { headers: { 'content-type': 'multipart/form-data; boundary=b' } }
  expect((await admin.ask('POST', '/services', 'no form', form)).status).toBe(400)
  const large = JSON.stringify({ host: 'h'.repeat(1024 * 1024) })
  const tooLarge = await admin.ask('POST', '/services', large, { headers: json })
  expect(tooLarge).toMatchObject({
    status: 413,
    body: { message: expect.stringContaining('1 MiB') },
  })
  expect(admin.configuration.current().revision).toBe(before)
  expect((await admin.ask('GET', '/services')).body.data).toEqual([])
})

test('returns 413 with the limit for a body that is too large', async () => {
  const admin = await openTestAdmin()
  const head = `host: localhost\r\nkong-admin-token: ${adminToken}\r\ncontent-type: application/json\r\ncontent-length: 99999999`
  for (const [path, maxSize] of [
    ['/services', '1 MiB'],
    ['/config', '32 MiB'],
  ] as const) {
    const request = `POST ${path} HTTP/1.1\r\n${head}\r\nconnection: close\r\n\r\n`
    expect(await sendRaw(admin, request)).toMatch(
      new RegExp(`^HTTP/1.1 413 .* must not exceed ${maxSize}"`, 's'),
    )
  }
})

test('an entity of 10,001 invalid values and a password of 1 MiB are refused before they cost work', async () => {
  const admin = await openTestAdmin()
  const many = `{"protocols":[${'1,'.repeat(10_000)}1]}`
  expect(await admin.ask('POST', '/routes', many)).toMatchObject({
    status: 400,
    body: { message: 'Cannot parse JSON body', because: 'A body has at most 10000 values.' },
  })
  const body = { name: 'ann', password: `a${'\u0301\u0316'.repeat(120_000)}` }
  expect(await admin.ask('POST', '/rbac/users', body)).toMatchObject({
    status: 400,
    body: { fields: { password: 'length must be at most 1000' } },
  })
  const inDocument = `{"_format_version":"3.0","routes":[${many}]}`
  expect(await admin.ask('POST', '/config/validate', inDocument)).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('routes[0]: an entity has at most 10000 values') },
  })
})

test('YAML whose aliases expand without end, or that nests without end, is refused while others are served', async () => {
  const admin = await openTestAdmin()
  const names = 'abcdefghij'.split('')
  const bomb = names.map((name, at) => {
    const inner = at === 0 ? 'x' : `*${names[at - 1]}`
    return `${name}: &${name} [${Array(9).fill(inner).join(', ')}]`
  })
  for (const config of [bomb.join('\n'), '['.repeat(100_000)]) {
    const [refused, other] = await Promise.all([
      admin.ask('POST', '/config', { config }),
      admin.ask('GET', '/services'),
    ])
    expect(refused).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('config: invalid YAML') },
    })
    expect(other.status).toBe(200)
  }
})

test('answers malformed and oversized requests, and serves others', async () => {
  const admin = await openTestAdmin()
  expect(await sendRaw(admin, 'not http at all\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 400 .*"message":"Bad request"/s,
  )
  const long = `GET /services HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`
  expect(await sendRaw(admin, long)).toMatch(/^HTTP\/1\.1 431 .*"message":"Request headers/s)
  const path = 'GET /services/%E0%A4%A HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'
  expect(await sendRaw(admin, path)).toMatch(/^HTTP\/1\.1 400 .*"message":"Bad request"/s)
  expect((await admin.ask('GET', '/services')).status).toBe(200)
})

test('rejects invalid sizes, offsets and tags of lists', async () => {
  const admin = await openTestAdmin()
  for (const size of ['0', '1001', '1.5', 'x', '-1', '']) {
    expect(await admin.ask('GET', `/services?size=${size}`)).toMatchObject({
      status: 400,
      body: {
        code: 9,
        name: 'invalid size',
        message: 'size must be an integer between 1 and 1000',
      },
    })
  }
  expect(await admin.ask('GET', '/services?offset=what')).toMatchObject({
    status: 400,
    body: {
      code: 7,
      name: 'invalid offset',
      message: `'what' is not a valid offset: bad base64 encoding`,
    },
  })
  expect(await admin.ask('GET', '/services?tags=a,b/c')).toMatchObject({
    status: 400,
    body: { code: 11, name: 'invalid options', options: { tags: 'invalid filter syntax' } },
  })
})

test('never returns 500 for any JSON, and stores no rejected entity', async () => {
  const admin = await openTestAdmin()
  const paths = [
    '/services',
    '/routes',
    '/consumers',
    '/upstreams',
    '/plugins',
    '/rbac/users',
    '/rbac/roles',
    '/workspaces',
    '/consumer_groups',
    '/consumer_groups/some/consumers',
    '/consumers/some/consumer_groups',
    '/consumers/some/basic-auth',
    '/consumers/some/jwt',
    '/consumers/some/oauth2',
    '/certificates',
    '/ca_certificates',
    '/vaults',
    '/keys',
    '/key-sets',
    '/rbac/users/admin/roles',
  ]
  await admin.ask('PUT', '/consumers/some', {})
  await admin.ask('PUT', '/consumer_groups/some', {})
  const field = fc.constantFrom(...fieldNames)
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(
      'limiter',
      'h.example',
      '/a',
      ['/a'],
      { id: 'x' },
      { minute: 1 },
      'some',
      '{"kid":"some"}',
    ),
  )
  const body = fc.dictionary(field, value, { maxKeys: 5 })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.constantFrom('POST', 'PUT', 'PATCH'),
      body,
      async (path, method, sent) => {
        const before = admin.configuration.current().revision
        const isList = method === 'POST' || path.endsWith('roles')
        const url = isList ? path : `${path}/some`
        const { status, body: answer } = await admin.ask(method, url, sent)
        expect([200, 201, 400, 404, 405, 409]).toContain(status)
        const isRefused = status >= 400
        const isStored = admin.configuration.current().revision > before
        expect([isRefused && isStored, isRefused && typeof answer.message !== 'string']).toEqual([
          false,
          false,
        ])
      },
    ),
    { numRuns: 500 },
  )
})

test('reads forms as Kong does', async () => {
  const admin = await openTestAdmin()
  const form = new URLSearchParams([
    ['name', 'orders'],
    ['url', 'https://h.example/base'],
    ['retries', '3'],
    ['enabled', 'false'],
    ['tags[]', 'a'],
    ['tags[]', 'b'],
  ])
  const type = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  const service = await admin.ask('POST', '/services', form, type)
  expect(service).toMatchObject({
    status: 201,
    body: {
      protocol: 'https',
      host: 'h.example',
      port: 443,
      path: '/base',
      retries: 3,
      enabled: false,
      tags: ['a', 'b'],
    },
  })
  const plugin = await admin.ask(
    'POST',
    '/services/orders/plugins',
    'name=limiter&config.minute=5',
    type,
  )
  expect(plugin).toMatchObject({ status: 201, body: { config: { minute: 5, by: 'consumer' } } })
  const multipart = new FormData()
  multipart.set('paths[1]', '/x')
  multipart.set('headers.x-version', 'v1')
  multipart.set('service.name', 'orders')
  const boundary = new Request('http://h', { method: 'POST', body: multipart })
  const route = await admin.ask('POST', '/routes', await boundary.text(), {
    headers: { 'content-type': boundary.headers.get('content-type') ?? '' },
  })
  expect(route).toMatchObject({
    status: 201,
    body: { paths: ['/x'], headers: { 'x-version': ['v1'] }, service: { id: service.body.id } },
  })
})

const fieldNames =
  'id name host port url path paths hosts methods headers protocols tags config service username custom_id roles created_at user_token kind meta group consumer prefix kid jwk pem set key cert snis algorithm redirect_uris password'.split(
    ' ',
  )

async function sendRaw({ adminUrl }: TestAdmin, text: string): Promise<string> {
  const { hostname, port } = new URL(adminUrl)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // The socket stays open, because a client that half-closes gets no response.
  socket.write(text)
  await untilClosed(socket)
  return Buffer.concat(chunks).toString()
}
