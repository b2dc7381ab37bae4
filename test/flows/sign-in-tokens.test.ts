import { createHmac } from 'node:crypto'
import { exportSPKI, importJWK, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openProvider } from '../../src/identity/open-provider.ts'
import type { ProviderSettings } from '../../src/identity/provider-settings.ts'
import type { ProviderPresetName } from '../../src/identity/provider-presets.ts'
import { readIdentity } from '../../src/identity/read-identity.ts'
import { openEgress } from '../../src/lib/egress.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openHttpClient } from '../../src/proxy/open-http-client.ts'
import { startIssuer, type Issuer } from '../harness/start-issuer.ts'
import { startTestAdmin } from './admin-harness.ts'

let issuer: Issuer
let other: Issuer
let admin: Awaited<ReturnType<typeof startTestAdmin>>
let settings: { -readonly [K in keyof ProviderSettings]: ProviderSettings[K] }
const clock = { now: () => Date.now() }
const now = () => Math.floor(Date.now() / 1000)

beforeAll(async () => {
  ;[issuer, other] = await Promise.all([startIssuer(), startIssuer()])
  settings = {
    issuer: issuer.url,
    clientId: 'weir',
    clientSecret: undefined,
    scopes: ['openid'],
    preset: 'generic',
    groupsClaims: [],
    nameClaim: undefined,
    audience: 'weir-api',
    label: 'Example',
    redirectUri: () => 'http://127.0.0.1/sign-in/callback',
    createsUsers: true,
  }
  admin = await startTestAdmin({
    provider: openProvider(settings, { http: openHttpClient(openEgress()), clock, log: silentLog }),
  })
  await admin.ask('POST', '/rbac/groups', { name: 'readers' })
  await admin.ask('POST', '/rbac/groups/readers/roles', { role: 'read-only' })
})
afterAll(async () => {
  await admin?.close()
  await Promise.all([issuer?.stop(), other?.stop()])
})

const at = { typ: 'at+jwt' }
const claims = (more: object = {}) => ({
  aud: 'weir-api',
  iat: now(),
  groups: ['readers'],
  ...more,
})

const statusOf = async (token: string): Promise<number> =>
  (
    await admin.ask('GET', '/services', undefined, {
      token: '',
      headers: { authorization: `Bearer ${token}` },
    })
  ).status

test('the Admin API accepts access tokens of the provider, with the roles of their groups', async () => {
  const token = await issuer.sign(claims(), at)
  expect(await statusOf(token)).toBe(200)
  const { body } = await admin.ask('GET', '/userinfo', undefined, { token })
  expect(body.user).toMatchObject({ name: 'anna', kind: 'user' })
  const machine = await issuer.sign(claims({ sub: 'ci', client_id: 'ci' }), at)
  expect(
    (await admin.ask('GET', '/userinfo', undefined, { token: machine })).body.user,
  ).toMatchObject({
    name: 'ci',
    kind: 'service-account',
  })
  expect((await admin.ask('POST', '/services', { host: 'h' }, { token })).status).toBe(403)
  const { revision } = admin.configuration.current()
  for (let count = 0; count < 5; count += 1) await statusOf(token)
  expect(admin.configuration.current().revision).toBe(revision)
})

test('refuses every forged token, and says in the audit log why', async () => {
  const key = issuer.current.publicKey
  const pem = await exportSPKI((await importJWK(key, 'ES256', { extractable: true })) as never)
  const hmac = (secret: string): string => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const head = `${encode({ alg: 'HS256', ...at, kid: key.kid })}.${encode({ ...claims(), iss: issuer.url, sub: 'anna', exp: now() + 60 })}`
    return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
  }
  const good = await issuer.sign(claims(), at)
  const foreign = await other.sign(claims({ iss: issuer.url }), {
    ...at,
    kid: key.kid,
    jwk: other.current.publicKey,
  })
  const forged: Record<string, string> = {
    none: new UnsecuredJWT({ ...claims(), iss: issuer.url, sub: 'anna', exp: now() + 60 }).encode(),
    'HMAC with the public key': hmac(pem),
    'HMAC with the key set': hmac(JSON.stringify(key)),
    'key in the header': foreign,
    'other issuer': await other.sign(claims(), at),
    'other audience': await issuer.sign(claims({ aud: 'weir' }), at),
    'audience as a part of a text': await issuer.sign(claims({ aud: 'weir-api evil' }), at),
    'no audience': await issuer.sign(claims({ aud: undefined }), at),
    'no expiry': await issuer.sign(claims({ exp: undefined }), at),
    'no time of issue': await issuer.sign(claims({ iat: undefined }), at),
    expired: await issuer.sign(claims({ exp: now() - 60 }), at),
    'not yet valid': await issuer.sign(claims({ nbf: now() + 600 }), at),
    'ID token': await issuer.sign(claims({ nonce: 'n', at_hash: 'h' }), { typ: 'JWT' }),
    'ID token without a type': await issuer.sign(claims()),
    'ID token as access token': await issuer.sign(claims({ at_hash: 'h' }), at),
    'no subject': await issuer.sign(claims({ sub: undefined }), at),
    'subject that is no text': await issuer.sign(claims({ sub: { name: 'admin' } }), at),
    'changed signature': `${good.slice(0, -8)}AAAAAAAA`,
    nested: await issuer.sign(claims(), { ...at, cty: 'JWT' }),
    'unknown key': await issuer.sign(claims(), { ...at, kid: 'unknown' }),
  }
  for (const [what, token] of Object.entries(forged)) {
    const status = await statusOf(token)
    expect([what, status]).toEqual([what, expect.toSatisfy((one) => one === 401 || one === 403)])
  }
  await admin.configuration.audit.flush()
  const records = await admin.configuration.audit.read({ allowed: false }, 50)
  expect(records.map(({ because }) => because).join('\n')).toContain(
    'The token of the identity provider is not valid',
  )
  expect(JSON.stringify(records)).not.toContain(good.slice(0, 60))
})

test('an older token does not give back a role that a newer one no longer has', async () => {
  const older = await issuer.sign(claims({ sub: 'olga', iat: now() - 20 }), at)
  expect(await statusOf(older)).toBe(200)
  const newer = await issuer.sign(claims({ sub: 'olga', iat: now() - 10, groups: [] }), at)
  expect(await statusOf(newer)).toBe(403)
  expect(await statusOf(older)).toBe(403)
  await admin.ask('PATCH', '/rbac/users/olga', { enabled: false })
  expect(await statusOf(await issuer.sign(claims({ sub: 'olga' }), at))).toBe(403)
})

test('follows a change of keys, and accepts tokens while the provider is down', async () => {
  const provider = openProvider(settings, {
    http: openHttpClient(openEgress()),
    clock,
    log: silentLog,
  })
  const verify = async () =>
    (await provider.verifyAccessToken(await issuer.sign(claims(), at))).identity
  expect(await verify()).toMatchObject({ subject: 'anna' })
  const first = issuer.current
  await issuer.rotate(true)
  expect(await verify()).toMatchObject({ subject: 'anna' })
  issuer.state = 'down'
  expect(
    await verify().finally(() => Object.assign(issuer, { state: 'up', current: first })),
  ).toMatchObject({ subject: 'anna' })
})

test('twenty first requests of one subject at once make one principal', async () => {
  const token = await issuer.sign(claims({ sub: 'many' }), at)
  const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf(token)))
  expect(new Set(statuses)).toEqual(new Set([200]))
})

test('refuses logout tokens that are forged or for somebody else', async () => {
  const event = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const logout = (more: object = {}) =>
    issuer.sign(
      { aud: 'weir', iat: now(), jti: String(Math.random()), events: event, ...more },
      { typ: 'logout+jwt' },
    )
  const send = async (token: string) => {
    const response = await fetch(`${admin.managerUrl}/api/session/provider/logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: token }),
    })
    return response.status
  }
  expect(await send(await logout())).toBe(200)
  for (const wrong of [
    { aud: 'other' },
    { events: undefined },
    { events: { 'http://schemas.openid.net/event/backchannel-logout ': {} } },
    { nonce: 'n' },
    { jti: undefined },
    { sub: undefined },
    { exp: now() - 60 },
  ])
    expect([wrong, await send(await logout(wrong))]).toEqual([wrong, 401])
  expect(await send(await issuer.sign(claims(), at))).toBe(401)
  expect(await send(await other.sign({ aud: 'weir', iat: now(), jti: '1', events: event }))).toBe(
    401,
  )
})

/** Access and ID tokens as each provider documents them. */
const shapes: Record<
  Exclude<ProviderPresetName, 'generic'>,
  {
    access: Record<string, unknown>
    id: Record<string, unknown>
    machine: Record<string, unknown>
    subject: string
    groups: string[]
  }
> = {
  keycloak: {
    access: {
      typ: 'Bearer',
      azp: 'weir',
      aud: ['weir-api', 'account'],
      preferred_username: 'anna',
      groups: ['/staff/a'],
      realm_access: { roles: ['auditor'] },
      resource_access: { weir: { roles: ['readers'] }, other: { roles: ['owners'] } },
    },
    id: { typ: 'ID', azp: 'weir', aud: 'weir-api', preferred_username: 'anna' },
    machine: {
      typ: 'Bearer',
      aud: 'weir-api',
      client_id: 'ci',
      preferred_username: 'service-account-ci',
    },
    subject: 'anna',
    groups: ['/staff/a', 'auditor', 'readers'],
  },
  okta: {
    access: {
      ver: 1,
      cid: '0oa1',
      uid: '00u1',
      sub: 'anna@example.com',
      aud: 'weir-api',
      scp: ['openid'],
      groups: ['Everyone', 'Two words'],
    },
    id: { ver: 1, sub: '00u1', aud: 'weir-api', amr: ['pwd'], idp: '00o1' },
    machine: { ver: 1, cid: '0oa2', sub: '0oa2', aud: 'weir-api', scp: ['api'] },
    subject: '00u1',
    groups: ['Everyone', 'Two words'],
  },
  entra: {
    access: {
      ver: '2.0',
      aud: 'weir-api',
      azp: '6e74',
      oid: '1b4e',
      sub: 'pairwise',
      scp: 'access',
      groups: ['7f3a'],
      roles: ['Weir.Read'],
      preferred_username: 'anna@example.com',
    },
    id: { ver: '2.0', aud: 'weir-api', oid: '1b4e', sub: 'pairwise', nonce: 'n' },
    machine: {
      ver: '2.0',
      aud: 'weir-api',
      azp: '6e74',
      oid: '2c5f',
      sub: '2c5f',
      idtyp: 'app',
      roles: ['Weir.Read'],
    },
    subject: '1b4e',
    groups: ['7f3a', 'Weir.Read'],
  },
  cognito: {
    access: {
      token_use: 'access',
      client_id: 'weir-api',
      aud: undefined,
      username: 'anna',
      'cognito:groups': ['readers'],
      scope: 'openid',
    },
    id: {
      token_use: 'id',
      aud: 'weir-api',
      'cognito:username': 'anna',
      'cognito:groups': ['readers'],
    },
    machine: {
      token_use: 'access',
      client_id: 'weir-api',
      sub: 'weir-api',
      aud: undefined,
      scope: 'api/read',
    },
    subject: 'anna',
    groups: ['readers'],
  },
}

test.each(Object.entries(shapes))('reads the tokens of %s', async (preset, shape) => {
  const own = { ...settings, preset: preset as ProviderPresetName }
  const provider = openProvider(own, { http: openHttpClient(openEgress()), clock, log: silentLog })
  // Without a header `typ`, or with JWT, as these providers send them.
  const { identity } = await provider.verifyAccessToken(
    await issuer.sign({ iat: now(), ...shape.access }, { typ: 'JWT' }),
  )
  expect(identity).toMatchObject({ subject: shape.subject, groups: shape.groups, isClient: false })
  const idToken = await issuer.sign({ iat: now(), ...shape.id }, { typ: 'JWT' })
  await expect(provider.verifyAccessToken(idToken)).rejects.toMatchObject({ status: 401 })
  expect(readIdentity(own, [{ sub: 'anna', iat: now(), ...shape.id }]).subject).toBe(shape.subject)
  const machine = await provider.verifyAccessToken(
    await issuer.sign({ iat: now(), ...shape.machine }, { typ: 'JWT' }),
  )
  expect(machine.identity.isClient).toBe(true)
  const foreign = { ...shape.access, aud: 'other', client_id: 'other' }
  await expect(
    provider.verifyAccessToken(await issuer.sign({ iat: now(), ...foreign })),
  ).rejects.toMatchObject({ status: 401 })
})

test('does not sign in with a part of the groups, when the provider left them out (Entra, above 200)', () => {
  const entra = { ...settings, preset: 'entra' as const }
  const overage = {
    sub: 'a',
    oid: 'b',
    iat: 1,
    _claim_names: { groups: 'src1' },
    _claim_sources: {},
  }
  expect(() => readIdentity(entra, [overage])).toThrow('left groups out')
  const many = { sub: 'a', iat: 1, groups: Array.from({ length: 1001 }, (_, at) => `g${at}`) }
  expect(() => readIdentity(settings, [many])).toThrow('left groups out')
})

test('a claim path finds names with dots and claims within others, and no inherited members', () => {
  const groupsAt = (path: string, found: object) =>
    readIdentity({ ...settings, groupsClaims: [path] }, [{ sub: 'a', iat: 1, ...found }]).groups
  expect(groupsAt('https://example.com/groups', { 'https://example.com/groups': ['a'] })).toEqual([
    'a',
  ])
  expect(
    groupsAt('resource_access.{client_id}.roles', { resource_access: { weir: { roles: ['b'] } } }),
  ).toEqual(['b'])
  expect(groupsAt('constructor.name', {})).toEqual([])
  expect(groupsAt('groups', { groups: 'one group of words' })).toEqual(['one group of words'])
  expect(groupsAt('groups', { groups: [1, null, { a: 1 }, '', 'c'] })).toEqual(['c'])
})

test('explains a token to those who may read that: claims, roles of its groups, permissions and rows; audited, and kept nowhere', async () => {
  const token = await issuer.sign(claims({ sub: 'nora', groups: ['readers', 'unmapped'] }), at)
  const { revision } = admin.configuration.current()
  const { status, body } = await admin.ask('POST', '/rbac/explain-token', { token })
  expect([status, body]).toMatchObject([
    200,
    {
      valid: true,
      because: null,
      subject: 'nora',
      principal: null,
      claims: { sub: 'nora', iss: issuer.url },
      groups: [
        { name: 'readers', roles: [{ name: 'read-only', workspace: 'default' }] },
        { name: 'unmapped', roles: [] },
      ],
      granted: [],
      rows: 'You see every request.',
    },
  ])
  expect(body.permissions).toEqual([
    'role read-only of workspace default (by group readers) allows read at * in every workspace',
  ])
  // It signs nobody in.
  expect(admin.configuration.current().revision).toBe(revision)
  expect((await admin.ask('GET', '/rbac/users/nora')).status).toBe(404)
  const expired = await issuer.sign(claims({ sub: 'nora', exp: now() - 60 }), at)
  expect((await admin.ask('POST', '/rbac/explain-token', { token: expired })).body).toMatchObject({
    valid: false,
    because: expect.stringContaining('not valid'),
    claims: null,
    permissions: [],
  })
  const records = await admin.configuration.audit.read({ path: '/rbac/explain-token' }, 10)
  expect(records.map(({ because }) => because)).toEqual([
    'Inspected a token that is not valid.',
    `Inspected a token of nora at ${issuer.url}.`,
  ])
  const log = JSON.stringify(await admin.configuration.audit.read({}, 1000))
  for (const secret of [token, expired]) expect(log).not.toContain(secret.slice(-40))
  await admin.ask('POST', '/rbac/users', { name: 'weak', user_token: 'token-of-somebody-weak' })
  const asking = { token: 'token-of-somebody-weak' }
  expect((await admin.ask('POST', '/rbac/explain-token', { token }, asking)).status).toBe(403)
})
