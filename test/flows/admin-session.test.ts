import { once } from 'node:events'
import http from 'node:http'
import { expect, test } from 'vitest'
import { hashSecret } from '../../src/identity/secret-hash.ts'
import { freshDatabase, openStoreAt } from '../harness/store-engines.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openTestAdmin, type TestAdmin } from './admin-harness.ts'

const password = 'a-long-enough-password'

test('signing in sets a cookie that is HttpOnly and SameSite', async () => {
  const admin = await openTestAdmin({ adminPassword: password })
  const signedIn = await signIn(admin, 'admin', password)
  expect(signedIn).toMatchObject({ status: 200, body: { principal: { name: 'admin' } } })
  const cookie = signedIn.headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(/^weir_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
  const session = await byCookie(admin, cookie, 'GET', '/api/session')
  expect(session).toMatchObject({ status: 200, body: { version: '0.0.0-test' } })
  expect(session.body.workspaces[0]).toMatchObject({ name: 'default', roles: ['super-admin'] })
  expect((await byCookie(admin, cookie, 'GET', '/admin/services')).status).toBe(200)
  expect((await byCookie(admin, cookie, 'DELETE', '/api/session', sameOrigin)).status).toBe(204)
  expect((await byCookie(admin, cookie, 'GET', '/api/session')).status).toBe(401)
})

test('behind a proxy with TLS the cookie of a session is Secure and bound to the host', async () => {
  const admin = await openTestAdmin({ adminPassword: password })
  const signedIn = await signIn(admin, 'admin', password, { 'x-forwarded-proto': 'https' })
  const cookie = signedIn.headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(
    /^__Host-weir_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  )
  expect((await byCookie(admin, cookie, 'GET', '/api/session')).status).toBe(200)
  const planted = `weir_session=planted; ${cookie}`
  const both = { cookie: planted.replace(/;[^;]*;[^;]*;[^;]*;[^;]*$/, '') }
  expect((await byCookie(admin, '', 'GET', '/api/session', both)).status).toBe(200)
})

test('a page whose host name was rebound to the Manager can neither sign in nor read', async () => {
  const admin = await openTestAdmin({ adminPassword: password, hosts: ['weir.example'] })
  const statusFor = async (url: string, host: string) => {
    const request = http.get(`${url}/api/session`, { headers: { host } })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    response.resume()
    return response.statusCode
  }
  for (const url of [admin.adminUrl, admin.managerUrl]) {
    for (const host of [
      'evil.example',
      'evil.example:8002',
      'localhost.evil.example',
      '1.2.3.4.evil',
    ])
      expect([host, await statusFor(url, host)]).toEqual([host, 421])
    for (const host of [
      'localhost:8002',
      'LOCALHOST',
      '127.0.0.1:1',
      '[::1]:8002',
      'weir.example.',
    ])
      expect([host, await statusFor(url, host)]).toEqual([host, 401])
  }
})

test('no answer of the control plane is cached, sniffed or framed', async () => {
  const admin = await openTestAdmin()
  for (const [path, token] of [
    ['/services', undefined],
    ['/services', 'wrong'],
    ['/nothing', undefined],
    ['/api/session', undefined],
    ['/status', undefined],
    ['/openapi.json', undefined],
  ] as const) {
    const { headers } = await admin.ask(
      'GET',
      path,
      undefined,
      token === undefined ? {} : { token },
    )
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    })
  }
})

test('a service on another port that received the cookie of a session cannot change anything with it', async () => {
  const admin = await openTestAdmin({ adminPassword: password })
  const signedIn = await signIn(admin, 'admin', password)
  const cookie = signedIn.headers.get('set-cookie') ?? ''
  // It may send any header, but no answer that it can ask for contains the token.
  const headers = { ...sameOrigin, origin: admin.managerUrl }
  const session = await byCookie(admin, cookie, 'GET', '/api/session')
  expect(session.text).not.toContain('csrf')
  const other = (await signIn(admin, 'admin', password)).body.csrf_token
  for (const token of ['', other, cookie.split(/[=;]/)[1] ?? '']) {
    for (const [method, path] of [
      ['POST', '/admin/rbac/users'],
      ['DELETE', '/admin/rbac/users/admin'],
      ['DELETE', '/api/session'],
    ] as const) {
      const refused = await byCookie(admin, cookie, method, path, {
        ...headers,
        'x-csrf-token': token,
      })
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('X-CSRF-Token')])
    }
  }
  const token = { ...headers, 'x-csrf-token': signedIn.body.csrf_token }
  expect((await byCookie(admin, cookie, 'DELETE', '/api/session', token)).status).toBe(204)
})

test('rejects changes by cookie from other sites or not in JSON', async () => {
  const admin = await openTestAdmin({ adminPassword: password })
  const cookie = (await signIn(admin, 'admin', password)).headers.get('set-cookie') ?? ''
  const before = admin.configuration.current().revision
  const post = (headers: Record<string, string>) =>
    byCookie(admin, cookie, 'POST', '/admin/consumers', headers, { username: `c${Math.random()}` })
  expect((await post({})).status).toBe(403)
  expect((await post({ origin: 'https://evil.example' })).status).toBe(403)
  expect((await post({ origin: 'null' })).status).toBe(403)
  expect((await post({ 'sec-fetch-site': 'cross-site', origin: admin.managerUrl })).status).toBe(
    403,
  )
  expect((await post({ 'sec-fetch-site': 'same-site' })).status).toBe(403)
  expect((await post({ ...sameOrigin, 'content-type': 'text/plain' })).status).toBe(415)
  expect(
    (await post({ ...sameOrigin, 'content-type': 'multipart/form-data; boundary=b' })).status,
  ).toBe(415)
  expect(admin.configuration.current().revision).toBe(before)
  expect((await post(sameOrigin)).status).toBe(201)
  expect((await post({ origin: admin.managerUrl })).status).toBe(201)
  const foreign = { 'sec-fetch-site': 'cross-site' }
  expect((await signIn(admin, 'admin', password, foreign)).status).toBe(403)
})

test('answers wrong names and passwords alike, and slows sign-in down after several failures', async () => {
  let now = Date.now()
  const admin = await openTestAdmin({ adminPassword: password, clock: { now: () => now } })
  const wrong = await signIn(admin, 'admin', 'not-the-password')
  expect(wrong.status).toBe(401)
  expect((await signIn(admin, 'nobody', 'not-the-password')).text).toBe(wrong.text)
  const tries = await Promise.all(
    Array.from({ length: 12 }, () => signIn(admin, 'admin', 'not-the-password')),
  )
  expect(tries.map(({ status }) => status).filter((status) => status === 429)).toHaveLength(8)
  const limited = await signIn(admin, 'admin', password)
  expect(limited.status).toBe(429)
  expect(limited.headers.get('retry-after')).toBe('1')
  now += 1000
  expect((await signIn(admin, 'admin', password)).status).toBe(200)
})

test('a new password and twelve idle hours end all sessions', async () => {
  let now = Date.now()
  const admin = await openTestAdmin({ adminPassword: password, clock: { now: () => now } })
  const begin = async (secret: string) =>
    (await signIn(admin, 'admin', secret)).headers.get('set-cookie') ?? ''
  const status = async (cookie: string) =>
    (await byCookie(admin, cookie, 'GET', '/api/session')).status
  const first = await begin(password)
  await admin.ask('PATCH', '/rbac/users/admin', { password: 'another-long-password' })
  expect(await status(first)).toBe(401)
  const second = await begin('another-long-password')
  now += 8 * 3600_000
  expect(await status(second)).toBe(200)
  now += 8 * 3600_000
  expect(await status(second)).toBe(200)
  now += 12 * 3600_000
  expect(await status(second)).toBe(401)
})

test('disabling a principal ends its sessions for good', async () => {
  const store = await openStoreAt(await freshDatabase())
  const admin = await openTestAdmin({ store, adminPassword: password })
  for (const name of ['ann', 'bob']) await admin.ask('POST', '/rbac/users', { name, password })
  const [ann, bob] = await Promise.all(
    ['ann', 'bob'].map(
      async (name) => (await signIn(admin, name, password)).headers.get('set-cookie') ?? '',
    ),
  )
  const status = async (cookie = '') =>
    (await byCookie(admin, cookie, 'GET', '/api/session')).status
  expect([await status(ann), await status(bob)]).toEqual([200, 200])
  await admin.ask('PATCH', '/rbac/users/ann', { enabled: false })
  expect([await status(ann), await status(bob)]).toEqual([401, 200])
  expect((await signIn(admin, 'ann', password)).status).toBe(401)
  await admin.ask('PATCH', '/rbac/users/ann', { enabled: true })
  expect(await status(ann)).toBe(401)
  expect((await signIn(admin, 'ann', password)).status).toBe(200)
})

test('rejects a session created while its principal is disabled until it is enabled', async () => {
  const store = await openStoreAt(await freshDatabase())
  const admin = await openTestAdmin({ store })
  const { body: ann } = await admin.ask('POST', '/rbac/users', { name: 'ann', enabled: false })
  // Simulates another control plane that has not loaded the change yet.
  const cookie = 'cookie-of-ann'
  const expiresAt = Date.now() + 3600_000
  await store.sessions.put({
    sha256: hashSecret(cookie),
    id: 'session-of-ann',
    principal: ann.id,
    expiresAt,
    createdAt: Date.now(),
    address: '',
    userAgent: '',
    identity: undefined,
    sid: undefined,
  })
  const status = async () =>
    (await byCookie(admin, `weir_session=${cookie}`, 'GET', '/api/session')).status
  expect(await status()).toBe(401)
  await admin.ask('PATCH', '/rbac/users/ann', { enabled: true })
  expect(await status()).toBe(200)
})

test('rejects a token while its principal is disabled', async () => {
  const admin = await openTestAdmin()
  const token = 'token-of-ann-0123456789'
  await admin.ask('POST', '/rbac/users', { name: 'ann', user_token: token })
  const status = async () => (await admin.ask('GET', '/userinfo', undefined, { token })).status
  expect(await status()).toBe(200)
  await admin.ask('PATCH', '/rbac/users/ann', { enabled: false })
  expect(await status()).toBe(401)
  await admin.ask('PATCH', '/rbac/users/ann', { enabled: true })
  expect(await status()).toBe(200)
})

test('the set-up link creates the first super-admin once', async () => {
  const admin = await openTestAdmin({ adminToken: undefined })
  const secret = admin.configuration.setUpSecret() ?? ''
  const setUp = (given: string) =>
    admin.ask(
      'POST',
      '/api/setup',
      { secret: given, name: 'root', password },
      { token: '', manager: true },
    )
  expect((await setUp('wrong')).status).toBe(403)
  expect((await admin.ask('GET', '/services', undefined, { token: '' })).status).toBe(401)
  const done = await setUp(secret)
  expect(done).toMatchObject({ status: 201, body: { principal: { name: 'root' } } })
  expect((await setUp(secret)).status).toBe(403)
  expect(admin.configuration.setUpSecret()).toBeUndefined()
  const cookie = done.headers.get('set-cookie') ?? ''
  expect((await byCookie(admin, cookie, 'GET', '/admin/rbac/users')).status).toBe(200)
})

test('a form of 120 KB, a=&a=&…, is refused before it is parsed, signed in or not', async () => {
  const admin = await openTestAdmin()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const form = 'a=&'.repeat(40_000)
  for (const path of ['/api/session', '/api/setup']) {
    const { status, body } = await admin.ask('POST', path, form, {
      token: '',
      manager: true,
      headers,
    })
    expect({ status, body }).toMatchObject({
      status: 413,
      body: { message: 'Request body must not exceed 16 KiB' },
    })
    const small = await admin.ask('POST', path, form.slice(0, 15_000), {
      token: '',
      manager: true,
      headers,
    })
    expect([path, small.status, small.body.message]).toEqual([path, 400, 'Too many arguments'])
  }
  expect((await admin.ask('POST', '/services', form, { headers })).body).toEqual({
    message: 'Too many arguments',
    because: 'A form has at most 1000 fields.',
  })
})

test('errors under /api have Weir’s code, others Kong’s format', async () => {
  const admin = await openTestAdmin()
  const nobody = await admin.ask('GET', '/api/session', undefined, { token: '' })
  expect(nobody.body).toEqual({ code: 'control.unidentified', message: 'Invalid RBAC credentials' })
  const empty = await admin.ask('POST', '/api/session', {}, { token: '', manager: true })
  expect(empty).toMatchObject({
    status: 400,
    body: { code: 'control.schema', fields: { name: 'required field missing' } },
  })
  expect((await admin.ask('GET', '/services', undefined, { token: 'wrong' })).body).toEqual({
    message: 'Invalid RBAC credentials',
  })
})

test('pages have a content security policy, and an invalid token is rejected despite a valid cookie', async () => {
  const admin = await openTestAdmin({ adminPassword: password })
  const page = await admin.ask('GET', '/admin/', undefined, { manager: true })
  expect(page.headers.get('content-security-policy')).toMatch(/frame-ancestors 'none'/)
  expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe-eval/)
  expect(page.headers.get('x-content-type-options')).toBe('nosniff')
  expect(page.headers.get('referrer-policy')).toBe('no-referrer')
  const cookie = (await signIn(admin, 'admin', password)).headers.get('set-cookie') ?? ''
  const both = { headers: { cookie: cookie.split(';')[0] ?? '' }, token: 'wrong', manager: true }
  expect((await admin.ask('GET', '/api/session', undefined, both)).status).toBe(401)
})

const sameOrigin = { 'sec-fetch-site': 'same-origin' }

const signIn = (admin: TestAdmin, name: string, secret: string, headers = {}) =>
  admin.ask(
    'POST',
    '/api/session',
    { name, password: secret },
    { token: '', manager: true, headers },
  )

/** Sends what a page of the Manager sends: the cookie, and for changes the token of its session. */
const byCookie = (
  admin: TestAdmin,
  cookie: string,
  ...[method, path, headers = {}, body]: [string, string, Record<string, string>?, unknown?]
) => {
  const [pair = ''] = cookie.split(';')
  const token = admin.configuration.csrfToken(pair.split('=')[1] ?? '')
  return admin.ask(method, path, body, {
    token: '',
    manager: true,
    headers: { cookie: pair, 'x-csrf-token': token, ...headers },
  })
}

test('never sends a private key to a browser session', async () => {
  const admin = await openTestAdmin({ adminPassword: password })
  const cookie = (await signIn(admin, 'admin', password)).headers.get('set-cookie') ?? ''
  const pair = await makeAuthority('one')
  const { body: made } = await admin.ask('POST', '/certificates', pair)
  expect((await admin.ask('GET', `/certificates/${made.id}`)).body.key).toBe(pair.key)
  for (const path of [
    `/admin/certificates/${made.id}`,
    '/admin/certificates',
    '/admin/config/document',
  ]) {
    const shown = await byCookie(admin, cookie, 'GET', path)
    expect(shown.status).toBe(200)
    expect(JSON.stringify(shown.body)).toContain('BEGIN CERTIFICATE')
    expect(JSON.stringify(shown.body)).not.toContain('PRIVATE KEY')
  }
})
