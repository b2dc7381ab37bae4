import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openProvider } from '../../src/identity/open-provider.ts'
import type { ProviderSettings } from '../../src/identity/provider-settings.ts'
import { openEgress } from '../../src/lib/egress.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openHttpClient } from '../../src/proxy/open-http-client.ts'
import { startProvider, type TestProvider } from '../harness/start-provider.ts'
import { startTestAdmin } from './admin-harness.ts'
import { openPerson } from './sign-in-harness.ts'

type Account = { groups: string[]; [claim: string]: unknown }

let provider: TestProvider
let admin: Awaited<ReturnType<typeof startTestAdmin>>
let settings: { -readonly [K in keyof ProviderSettings]: ProviderSettings[K] }
let offset = 0
const clock = { now: () => Date.now() + offset }
const accounts = new Map<string, Account>()
const logoutBodies: string[] = []

beforeAll(async () => {
  provider = await startProvider()
  settings = {
    issuer: provider.url,
    clientId: 'weir',
    clientSecret: 'the-secret-of-weir',
    scopes: ['openid', 'profile'],
    preset: 'generic',
    groupsClaims: [],
    nameClaim: undefined,
    audience: 'weir',
    label: 'Example',
    redirectUri: () => `${admin.managerUrl}/sign-in/callback`,
    createsUsers: true,
  }
  admin = await startTestAdmin({
    clock,
    adminPassword: 'a-long-enough-password',
    provider: openProvider(settings, { http: openHttpClient(openEgress()), clock, log: silentLog }),
  })
  await provider.open(
    [
      {
        client_id: 'weir',
        client_secret: 'the-secret-of-weir',
        redirect_uris: [settings.redirectUri()],
        backchannel_logout_uri: `${admin.managerUrl}/api/session/provider/logout`,
        backchannel_logout_session_required: true,
      },
    ],
    {
      pkce: { required: () => true },
      // Its own refuses loopback addresses.
      fetch: (url, { method, headers, body } = {}) => {
        logoutBodies.push(body instanceof URLSearchParams ? body.toString() : (body as string))
        return fetch(url, { method, headers, body } as RequestInit)
      },
      features: { devInteractions: { enabled: true } },
      claims: {
        openid: ['sub', 'sid'],
        profile: ['preferred_username', 'email', 'email_verified', 'groups'],
      },
      findAccount: async (_, id) => ({
        accountId: id,
        claims: async () => ({ sub: id, ...(accounts.get(id) ?? { groups: [] }) }),
      }),
    },
  )
  await admin.ask('POST', '/workspaces', { name: 'ProductX' })
  await admin.ask('POST', '/rbac/groups', { name: 'x-readers' })
  await admin.ask('POST', '/ProductX/rbac/groups/x-readers/roles', { role: 'workspace-read-only' })
  await admin.ask('POST', '/rbac/groups', { name: 'owners' })
  await admin.ask('POST', '/rbac/groups/owners/roles', { role: 'super-admin' })
})
beforeEach(() => {
  offset = 0
})
afterAll(async () => {
  await admin?.close()
  await provider?.stop()
})

const rolesOf = (workspaces: readonly { name: string; roles: readonly string[] }[]) =>
  Object.fromEntries(workspaces.map(({ name, roles }) => [name, roles]))

const lastAudit = async (path: string) => (await admin.configuration.audit.read({ path }, 1)).at(0)

test('signs a person in by the provider, with the roles of the groups in its claims, which end with the claim', async () => {
  accounts.set('anna', { groups: ['x-readers', 'unknown'], preferred_username: 'Anna' })
  const anna = openPerson(admin)
  const signedIn = await anna.signIn('anna')
  expect(signedIn.principal).toMatchObject({ name: 'Anna', kind: 'user' })
  expect(rolesOf(signedIn.workspaces)).toEqual({ ProductX: ['workspace-read-only'] })
  expect(await lastAudit('/api/session/provider/callback')).toMatchObject({
    principal: { name: 'Anna' },
    allowed: true,
    because: `Signed in at ${provider.url} as anna. Groups: unknown, x-readers.`,
  })
  // A grant by hand is kept apart from those of the provider, and stays.
  await admin.ask('POST', '/rbac/roles', { name: 'by-hand' })
  const permission = { workspace: 'default', endpoint: '/services', actions: 'read' }
  await admin.ask('POST', '/rbac/roles/by-hand/endpoints', permission)
  await admin.ask('POST', '/rbac/users/Anna/roles', { roles: 'by-hand' })
  const { body: explained } = await admin.ask('GET', '/ProductX/rbac/explain')
  const row = explained.principals.find(
    (one: { principal: { name: string } }) => one.principal.name === 'Anna',
  )
  expect(row.roles).toEqual([
    { name: 'by-hand', workspace: 'default' },
    { name: 'workspace-read-only', workspace: 'ProductX', group: 'x-readers' },
  ])
  accounts.set('anna', { groups: [], preferred_username: 'Anna' })
  const again = await openPerson(admin).signIn('anna')
  expect(again.principal.id).toBe(signedIn.principal.id)
  expect(rolesOf(again.workspaces)).toEqual({ default: ['by-hand'] })
  // The older session has lost the role too.
  const session = await (await anna.ask('GET', '/api/session')).json()
  expect(rolesOf((session as typeof again).workspaces)).toEqual({ default: ['by-hand'] })
  const { body } = await admin.ask('GET', '/rbac/users/Anna/identities')
  expect(body.data).toMatchObject([{ issuer: provider.url, subject: 'anna' }])
})

test('asks with PKCE, state and nonce for the exact redirect URI, and keeps what it compares in a sealed strict cookie', async () => {
  const person = openPerson(admin)
  const begun = await person.ask('POST', '/api/session/provider', {})
  const url = new URL(((await begun.json()) as { url: string }).url)
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    response_type: 'code',
    client_id: 'weir',
    redirect_uri: `${admin.managerUrl}/sign-in/callback`,
    code_challenge_method: 'S256',
    state: expect.stringMatching(/^[\w-]{43}$/),
    nonce: expect.stringMatching(/^[\w-]{43}$/),
  })
  const [cookie = ''] = begun.headers.getSetCookie()
  expect(cookie).toMatch(
    /^weir_session_pending_0=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=600$/,
  )
  const clear = Buffer.from(cookie.split(/[=;]/)[1] ?? '', 'base64url').toString('latin1')
  for (const name of ['state', 'nonce'])
    expect(clear).not.toContain(url.searchParams.get(name) ?? '-')
  const secure = await openPerson(admin).ask(
    'POST',
    '/api/session/provider',
    {},
    {
      'x-forwarded-proto': 'https',
    },
  )
  expect(secure.headers.getSetCookie()[0]).toMatch(
    /^__Host-weir_session_pending_0=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=600$/,
  )
  // Unfinished sign-ins are bounded.
  for (let count = 0; count < 12; count += 1) await person.begin()
  expect(person.browser.cookies.size).toBe(5)
})

test('a response that this browser did not ask for signs nobody in (forged state, login CSRF)', async () => {
  const [attacker, victim] = [openPerson(admin), openPerson(admin)]
  const returned = await attacker.visitProvider(await attacker.begin(), 'mallory')
  expect((await victim.complete(returned)).status).toBe(401)
  await victim.begin()
  expect((await victim.complete(returned)).status).toBe(401)
  const forged = new URL(returned)
  forged.searchParams.set('state', 'forged')
  expect((await attacker.complete(forged.href)).status).toBe(401)
  const tampered = openPerson(admin)
  const own = await tampered.begin()
  for (const [name, value] of tampered.browser.cookies)
    tampered.browser.cookies.set(name, `${value.slice(0, -2)}AA`)
  expect((await tampered.complete(await tampered.visitProvider(own, 'mallory'))).status).toBe(401)
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
    expect((await attacker.complete(returned, headers)).status).toBe(403)
    const begun = await attacker.ask('POST', '/api/session/provider', {}, headers)
    expect([begun.status, begun.headers.getSetCookie()]).toEqual([403, []])
  }
  expect([...victim.browser.cookies.keys()]).not.toContain('weir_session')
  expect(await lastAudit('/api/session/provider/callback')).toMatchObject({
    principal: null,
    allowed: false,
  })
})

test('a code and its state are accepted once, for ten minutes, and from the right issuer only (replay, mix-up)', async () => {
  const person = openPerson(admin)
  const returned = await person.visitProvider(await person.begin(), 'anna')
  const cookies = new Map(person.browser.cookies)
  expect((await person.complete(returned)).status).toBe(200)
  for (const [name, value] of cookies) person.browser.cookies.set(name, value)
  expect((await person.complete(returned)).status).toBe(401)

  const second = openPerson(admin)
  const mixed = new URL(await second.visitProvider(await second.begin(), 'anna'))
  expect(mixed.searchParams.get('iss')).toBe(provider.url)
  mixed.searchParams.set('iss', 'https://evil.example')
  expect((await second.complete(mixed.href)).status).toBe(401)
  const absent = openPerson(admin)
  const without = new URL(await absent.visitProvider(await absent.begin(), 'anna'))
  without.searchParams.delete('iss')
  expect((await absent.complete(without.href)).status).toBe(401)

  const slow = openPerson(admin)
  const late = await slow.visitProvider(await slow.begin(), 'anna')
  offset = 10 * 60_000
  expect((await slow.complete(late)).status).toBe(401)
})

test('a sign-in ends the session that the browser had before (session fixation)', async () => {
  const person = openPerson(admin)
  await person.signIn('anna')
  const fixed = person.browser.cookies.get('weir_session')
  const planted = openPerson(admin)
  planted.browser.cookies.set('weir_session', 'planted-by-an-attacker')
  await planted.signIn('anna')
  expect(planted.browser.cookies.get('weir_session')).toMatch(/^[\w-]{43}$/)
  await person.signIn('anna')
  expect(person.browser.cookies.get('weir_session')).not.toBe(fixed)
  person.browser.cookies.set('weir_session', fixed ?? '')
  expect((await person.ask('GET', '/api/session')).status).toBe(401)
})

test('returns to a page of the Manager only (open redirect)', async () => {
  for (const [next, expected] of [
    ['/services?workspace=ProductX', '/services?workspace=ProductX'],
    ['//evil.example', undefined],
    ['/\\evil.example', undefined],
    ['/\t/evil.example', undefined],
    ['https://evil.example', undefined],
    ['javascript:alert(1)', undefined],
    ['/a\\..\\b', undefined],
  ]) {
    const person = openPerson(admin)
    const returned = await person.visitProvider(await person.begin(next), 'anna')
    expect(((await (await person.complete(returned)).json()) as { next?: string }).next).toBe(
      expected,
    )
  }
  const elsewhere = await fetch(`${admin.adminUrl}/api/session/provider`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  expect(await elsewhere.json()).toEqual({ url: `${admin.managerUrl}/sign-in` })
})

test('an unknown person gets no account under a taken name or an unverified address', async () => {
  const refused = async (subject: string) => {
    const person = openPerson(admin)
    const answer = await person.complete(await person.visitProvider(await person.begin(), subject))
    expect([answer.status, person.browser.cookies.has('weir_session')]).toEqual([403, false])
    return (await lastAudit('/api/session/provider/callback'))?.because
  }
  accounts.set('evil', { groups: ['owners'], preferred_username: 'admin' })
  expect(await refused('evil')).toBe(
    'A principal with the name admin exists, and is not that of evil.',
  )
  await admin.ask('POST', '/rbac/users', { name: 'carla', email: 'carla@example.com' })
  accounts.set('c1', {
    groups: [],
    preferred_username: 'carla',
    email: 'carla@example.com',
    email_verified: false,
  })
  expect(await refused('c1')).toContain('A principal with the name carla exists')
  accounts.set('c1', {
    groups: [],
    preferred_username: 'carla',
    email: 'carla@example.com',
    email_verified: true,
  })
  expect((await openPerson(admin).signIn('c1')).principal.name).toBe('carla')
  // The address is taken over by another subject at the provider.
  accounts.set('c2', {
    groups: [],
    preferred_username: 'carla',
    email: 'carla@example.com',
    email_verified: true,
  })
  expect(await refused('c2')).toContain('A principal with the name carla exists')
  await admin.ask('PATCH', '/rbac/users/carla', { enabled: false })
  expect(await refused('c1')).toBe('carla is disabled.')
  settings.createsUsers = false
  accounts.set('stranger', { groups: ['owners'] })
  const strict = await refused('stranger').finally(() => (settings.createsUsers = true))
  expect(strict).toBe('No principal was made for stranger.')
  expect((await admin.ask('GET', '/rbac/users/stranger')).status).toBe(404)
})

test('the provider ends sessions here (back-channel logout) by a token that is accepted once', async () => {
  const [one, other] = [openPerson(admin), openPerson(admin)]
  await one.signIn('anna')
  await other.signIn('anna')
  // The session at the provider ends in this browser, and the provider tells its clients.
  const page = await one.browser.open(`${provider.url}/session/end`, 'anna')
  const xsrf = /name="xsrf" value="(\w+)"/.exec(await page.response.clone().text())?.[1] ?? ''
  await one.browser.request(`${provider.url}/session/end/confirm`, {
    method: 'POST',
    body: new URLSearchParams({ xsrf, logout: 'yes' }),
  })
  expect((await one.ask('GET', '/api/session')).status).toBe(401)
  expect((await other.ask('GET', '/api/session')).status).toBe(200)
  expect(await lastAudit('/api/session/provider/logout')).toMatchObject({
    principal: { name: 'Anna' },
    because: `${provider.url} ended the session of Anna.`,
  })
  const [body = ''] = logoutBodies
  const post = (form: string) =>
    fetch(`${admin.managerUrl}/api/session/provider/logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
    })
  expect((await post(body)).status).toBe(400)
  expect((await post(body.slice(0, -4))).status).toBe(401)
  expect((await post('logout_token=')).status).toBe(404)
})

test('without the provider, people with a password still sign in', async () => {
  provider.state = 'down'
  try {
    const fresh = openProvider(settings, {
      http: openHttpClient(openEgress()),
      clock,
      log: silentLog,
    })
    await expect(fresh.begin()).rejects.toMatchObject({ status: 503 })
    const person = openPerson(admin)
    const local = { name: 'admin', password: 'a-long-enough-password' }
    expect((await person.ask('POST', '/api/session', local)).status).toBe(200)
    const options = await person.ask('GET', '/api/session/provider')
    expect(await options.json()).toEqual({ label: 'Example' })
  } finally {
    provider.state = 'up'
  }
})

test('a session of the provider ends after twelve hours of use, so that no claims are older', async () => {
  const person = openPerson(admin)
  await person.signIn('anna')
  offset = 11 * 3600_000
  expect((await person.ask('GET', '/api/session')).status).toBe(200)
  offset = 12 * 3600_000
  expect((await person.ask('GET', '/api/session')).status).toBe(401)
})
