import { createHmac } from 'node:crypto'
import { exportSPKI, importJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startIssuer, type Issuer } from '../harness/start-issuer.ts'

let issuer: Issuer
let other: Issuer
let gateway: TestGateway
const stops: (() => unknown)[] = []
const secret = 'a-secret-of-the-client-of-32-bytes'
const clock = { now: () => Date.now() }

beforeAll(async () => {
  ;[issuer, other] = await Promise.all([startIssuer(), startIssuer()])
  stops.push(issuer.stop, other.stop)
  const base = { issuer: issuer.url, auth_methods: ['bearer'] }
  const routes: Record<string, object> = {
    plain: base,
    secret: { ...base, enable_hs_signatures: true, client_secret: [secret] },
    renamed: { ...base, issuer: `http://localhost:${new URL(issuer.url).port}` },
    listed: {
      ...base,
      issuer: `http://localhost:${new URL(issuer.url).port}`,
      issuers_allowed: [issuer.url],
    },
  }
  gateway = await openGateway(
    {
      routes: Object.keys(routes).map((name) => ({ name, paths: [`/${name}`] })),
      plugins: Object.entries(routes).flatMap(([name, config]) => [
        { name: 'openid-connect', route: name, config },
        { name: 'request-termination', route: name, config: { status_code: 200 } },
      ]),
    },
    { onFinished: (stop) => void stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const ask = (path: string, token: string) =>
  gateway.ask(path, { headers: { authorization: `Bearer ${token}` } })
const reason = () => gateway.events.at(-1)?.reason

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const valid = (): JWTPayload => ({
  iss: issuer.url,
  sub: 'mallory',
  aud: 'api',
  exp: Math.floor(clock.now() / 1000) + 600,
})
/** A token with an HMAC by a text. */
const signedBy = (text: string, header: object = {}) => {
  const input = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(valid())}`
  return `${input}.${createHmac('sha256', text).update(input).digest('base64url')}`
}
const publicKeyText = async () =>
  exportSPKI((await importJWK(issuer.current.publicKey, 'ES256')) as never)

const forgeries: readonly (readonly [string, string, () => Promise<string> | string])[] = [
  ['no algorithm', 'algorithm', () => new UnsecuredJWT(valid()).encode()],
  ['no algorithm in capitals', 'algorithm', () => `${encode({ alg: 'NONE' })}.${encode(valid())}.`],
  ['HMAC with the public key as PEM', 'algorithm', async () => signedBy(await publicKeyText())],
  [
    'HMAC with the public key as JWK',
    'algorithm',
    () => signedBy(JSON.stringify(issuer.current.publicKey), { kid: issuer.current.kid }),
  ],
  ['another issuer with the key', 'issuer', () => issuer.sign({ iss: 'https://evil.example' })],
  ['a prefix of the issuer', 'issuer', () => issuer.sign({ iss: issuer.url.slice(0, -1) })],
  ['an issuer that is a list', 'malformed', () => issuer.sign({ iss: [issuer.url] })],
  ['the key of another issuer', 'signature', () => other.sign({ iss: issuer.url })],
  ['an ID token (Keycloak)', 'type', () => issuer.sign({ typ: 'ID' })],
  ['an ID token (Cognito)', 'type', () => issuer.sign({ token_use: 'id' })],
  ['an ID token with at_hash', 'type', () => issuer.sign({ at_hash: 'x' })],
  ['a refresh token', 'type', () => issuer.sign({ typ: 'Refresh' })],
  ['a logout token', 'type', () => issuer.sign({ events: {} }, { typ: 'logout+jwt' })],
  ['an authorization request', 'type', () => issuer.sign({}, { typ: 'oauth-authz-req+jwt' })],
  ['a key id with a path', 'signature', () => issuer.sign({}, { kid: '../../../dev/null' })],
  ['a key id with SQL', 'signature', () => issuer.sign({}, { kid: `' OR '1'='1` })],
  ['a key id that is a prototype', 'signature', () => issuer.sign({}, { kid: '__proto__' })],
  ['a key id that is a number (Kuma 2.14.2)', 'malformed', () => issuer.sign({}, { kid: 7 })],
  [
    'an embedded key',
    'signature',
    () =>
      new SignJWT(valid())
        .setProtectedHeader({ alg: 'ES256', jwk: other.current.publicKey as never })
        .sign(other.current.privateKey),
  ],
  [
    'a key elsewhere',
    'signature',
    () =>
      new SignJWT(valid())
        .setProtectedHeader({ alg: 'ES256', jku: other.jwksUrl, x5u: other.jwksUrl })
        .sign(other.current.privateKey),
  ],
  ['an unknown critical header', 'malformed', () => criticalToken()],
  ['expired', 'expired', () => issuer.sign({ exp: Math.floor(clock.now() / 1000) - 1 })],
  ['no expiry', 'claims', () => issuer.sign({ exp: undefined })],
  ['an expiry that is a text', 'claims', () => issuer.sign({ exp: '9999999999' })],
  [
    'not yet valid',
    'not_yet_valid',
    () => issuer.sign({ nbf: Math.floor(clock.now() / 1000) + 5 }),
  ],
  ['nested', 'malformed', () => issuer.sign({}, { cty: 'JWT' })],
  ['changed claims', 'signature', () => replaceClaims({ sub: 'admin' })],
  ['two tokens', 'malformed', async () => `${await issuer.sign()}.${await issuer.sign()}`],
  ['nothing to decode', 'malformed', () => 'eyJ.e30.x'],
  ['encrypted', 'malformed', () => 'eyJhbGciOiJkaXIifQ.a.b.c.d'],
]

async function replaceClaims(claims: JWTPayload): Promise<string> {
  const [header, , signature] = (await issuer.sign()).split('.')
  return `${header}.${encode({ ...valid(), ...claims })}.${signature}`
}

async function criticalToken(): Promise<string> {
  return new SignJWT(valid())
    .setProtectedHeader({ alg: 'ES256', kid: issuer.current.kid, crit: ['exp'], exp: 1 })
    .sign(issuer.current.privateKey, { crit: { exp: true } })
}

test.each(forgeries)('refuses a token: %s', async (_, why, forge) => {
  const answer = await ask('/plain', await forge())
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  expect(await answer.json()).toMatchObject({ message: 'Unauthorized' })
  expect(reason()).toBe(`openid-connect.${why}`)
})

test('refuses huge tokens before it reads them', async () => {
  const answer = await gateway.ask('/plain', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `access_token=${await issuer.sign({ pad: 'x'.repeat(30_000) })}`,
  })
  expect(answer.status).toBe(401)
  expect(reason()).toBe('openid-connect.malformed')
})

test('HMAC needs the setting, and the secret of the client', async () => {
  expect((await ask('/secret', signedBy(secret))).status).toBe(200)
  expect((await ask('/secret', signedBy(`${secret}x`))).status).toBe(401)
  expect((await ask('/secret', signedBy(await publicKeyText()))).status).toBe(401)
  expect((await ask('/plain', signedBy(secret))).status).toBe(401)
})

test('a discovery document that names another issuer is refused, unless that one is listed', async () => {
  expect((await ask('/renamed', await issuer.sign())).status).toBe(503)
  expect((await ask('/listed', await issuer.sign())).status).toBe(200)
})
