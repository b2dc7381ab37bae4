import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { complaintOf, exchangeWith, usePlugin } from '../../test/harness/use-plugin.ts'
import type { FoundCredential, KnownConsumer } from '../proxy/directory.ts'
import { jwt } from './jwt.ts'

const now = 1_800_000_000
const consumer: KnownConsumer = {
  id: 'c1',
  name: 'ann',
  username: 'ann',
  customId: null,
  groups: [],
  consumerGroups: [],
}
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

type Credential = FoundCredential<'jwts'>['credential']

const credentialFor = (fields: Partial<Credential>): Credential => ({
  id: 'k1',
  workspace: 'w1',
  consumer: 'c1',
  key: 'issuer',
  algorithm: 'HS256',
  secret: 'the secret',
  rsa_public_key: null,
  ...fields,
})

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token with these parts, signed by `by` whatever its header says. */
function tokenOf(header: object, claims: object, by: (text: string) => Buffer): string {
  const text = `${encode(header)}.${encode(claims)}`
  return `${text}.${by(text).toString('base64url')}`
}

const hmac =
  (secret: string, digest = 'sha256') =>
  (text: string) =>
    createHmac(digest, secret).update(text).digest()

/** The consumer, or the message of the refusal, for a token. */
async function callerBy(token: string, fields: Partial<Credential> = {}, config: object = {}) {
  const credential = credentialFor(fields)
  const plugin = usePlugin(jwt, config, {
    clock: { now: () => now * 1000 },
    findCredential: (_exchange, _list, name) =>
      (name === credential.key ? { credential, consumer } : undefined) as never,
  })
  const exchange = exchangeWith({}, [['Authorization', `Bearer ${token}`]])
  try {
    const answer = (await plugin.onRequest(exchange)) as { body?: string } | undefined
    return exchange.caller?.consumer?.name ?? answer?.body
  } catch (error) {
    return (error as Error).message
  }
}

const claims = { iss: 'issuer', exp: now + 60 }
const valid = tokenOf({ alg: 'HS256', typ: 'JWT' }, claims, hmac('the secret'))

test.each([
  ['HS256', {}, hmac('the secret')],
  ['HS512', {}, hmac('the secret', 'sha512')],
  [
    'RS256',
    { rsa_public_key: pemOf(rsa.publicKey) },
    (text: string) => sign('sha256', Buffer.from(text), rsa.privateKey),
  ],
  [
    'PS384',
    { rsa_public_key: pemOf(rsa.publicKey) },
    (text: string) =>
      sign('sha384', Buffer.from(text), { key: rsa.privateKey, padding: 6, saltLength: 48 }),
  ],
  [
    'ES256',
    { rsa_public_key: pemOf(ec.publicKey) },
    (text: string) =>
      sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
  ],
  [
    'EdDSA',
    { rsa_public_key: pemOf(ed.publicKey) },
    (text: string) => sign(null, Buffer.from(text), ed.privateKey),
  ],
])('accepts %s', async (algorithm, fields, by) => {
  const token = tokenOf({ alg: algorithm }, claims, by)
  expect(await callerBy(token, { algorithm, ...fields })).toBe('ann')
  const forged = tokenOf({ alg: algorithm }, { ...claims, admin: true }, () => by('something else'))
  expect(await callerBy(forged, { algorithm, ...fields })).toBe('Invalid signature')
})

test('accepts no forged token', async () => {
  const publicPem = pemOf(rsa.publicKey)
  const rs = { algorithm: 'RS256', rsa_public_key: publicPem }
  const none = `${encode({ alg: 'none' })}.${encode(claims)}.`
  const [head = '', body = ''] = valid.split('.')
  expect([
    await callerBy(none),
    await callerBy(`${encode({ alg: 'none' })}.${encode(claims)}.AA`),
    await callerBy(tokenOf({ alg: 'nOnE' }, claims, hmac('the secret'))),
    // The public key as a shared secret.
    await callerBy(tokenOf({ alg: 'HS256' }, claims, hmac(publicPem)), rs),
    await callerBy(tokenOf({ alg: 'RS256' }, claims, hmac(publicPem)), rs),
    await callerBy(tokenOf({ alg: 'HS512' }, claims, hmac('the secret', 'sha512'))),
    await callerBy(tokenOf({ alg: 'HS256' }, claims, hmac('')), { secret: '' }),
    await callerBy(
      tokenOf({ alg: 'ES256' }, claims, () => Buffer.alloc(64)),
      {
        algorithm: 'ES256',
        rsa_public_key: pemOf(ec.publicKey),
      },
    ),
    await callerBy(
      tokenOf({ alg: 'HS256', jwk: ec.publicKey.export({ format: 'jwk' }) }, claims, hmac('x')),
    ),
    await callerBy(tokenOf({ alg: 'HS256', kid: '../../dev/null' }, claims, hmac(''))),
    await callerBy(`${head}.${body}`),
    await callerBy(`${valid}.${body}`),
    await callerBy(`${valid}=`),
    await callerBy(tokenOf({ alg: 'HS256', crit: ['x'] }, claims, hmac('the secret'))),
    await callerBy(tokenOf({ alg: 'HS256', b64: false }, claims, hmac('the secret'))),
    await callerBy(tokenOf({ alg: 'HS256' }, [claims], hmac('the secret'))),
  ]).toEqual([
    'Bad token; invalid alg',
    'Bad token; invalid alg',
    'Bad token; invalid alg',
    'Invalid algorithm',
    'Invalid signature',
    'Invalid algorithm',
    'Invalid signature',
    'Invalid signature',
    'Invalid signature',
    'Invalid signature',
    'Bad token; invalid JSON',
    'Bad token; invalid JSON',
    'Bad token; invalid signature',
    'Bad token; invalid crit',
    'Bad token; invalid crit',
    'Bad token; invalid JSON',
  ])
})

test('rejects a token with any changed character', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(valid.length - 1),
      fc.constantFrom('A', '-', '.', '=', '~', 'é'),
      async (at, letter) => {
        const changed = valid.slice(0, at) + letter + valid.slice(at + 1)
        // The last letter of base64 may have unused bits.
        if (Buffer.from(changed, 'base64url').equals(Buffer.from(valid, 'base64url'))) return
        expect(await callerBy(changed)).not.toBe('ann')
      },
    ),
    { numRuns: 60 },
  )
})

test('finds the credential by a claim or a header member, and nothing else', async () => {
  const by = hmac('the secret')
  const config = { key_claim_name: 'kid' }
  const own = tokenOf({ alg: 'HS256', kid: 'issuer' }, {}, by)
  expect(await callerBy(own, {}, config)).toBe('ann')
  expect(await callerBy(own)).toBe(`No mandatory 'iss' in claims`)
  for (const iss of [7, '', {}, ['issuer'], true])
    expect(await callerBy(tokenOf({ alg: 'HS256' }, { iss }, by))).toBe(`Invalid 'iss' in claims`)
  for (const iss of ['other', '__proto__', 'constructor'])
    expect(await callerBy(tokenOf({ alg: 'HS256' }, { iss }, by))).toBe(
      `No credentials found for given 'iss'`,
    )
})

test('verifies required and present time claims', async () => {
  const callerWith = (times: object, config: object = {}) =>
    callerBy(tokenOf({ alg: 'HS256' }, { iss: 'issuer', ...times }, hmac('the secret')), {}, config)
  expect(await callerWith({})).toBe('ann')
  expect(await callerWith({ exp: now })).toBe('{"exp":"token expired"}')
  expect(await callerWith({ nbf: now + 1 })).toBe('{"nbf":"token not valid yet"}')
  expect(await callerWith({ exp: 'never' })).toBe('{"exp":"must be a number"}')
  const required = { claims_to_verify: ['exp', 'nbf'], maximum_expiration: 100 }
  expect(await callerWith({}, required)).toBe('{"exp":"must be a number","nbf":"must be a number"}')
  expect(await callerWith({ exp: now + 101, nbf: now }, required)).toBe(
    '{"exp":"exceeds maximum allowed expiration"}',
  )
  expect(await callerWith({ exp: now + 100, nbf: now }, required)).toBe('ann')
})

test('reads secrets in base64', async () => {
  const secret = Buffer.from('the secret').toString('base64')
  expect(await callerBy(valid, { secret }, { secret_is_base64: true })).toBe('ann')
})

test('handles huge and deeply nested tokens', async () => {
  const nested = `{"alg":"HS256","x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
  const text = `${Buffer.from(nested).toString('base64url')}.${encode(claims)}.AA`
  expect(await callerBy(text)).toBe('Invalid signature')
  expect(await callerBy('a'.repeat(1_000_000))).toBe('Bad token; invalid JSON')
})

test('refuses invalid settings', () => {
  expect(complaintOf(jwt, { maximum_expiration: 60 })).toBe(
    'claims_to_verify: expected to contain: exp',
  )
  for (const wrong of [
    { claims_to_verify: ['iat'] },
    { maximum_expiration: -1 },
    { header_names: [''] },
  ])
    expect(complaintOf(jwt, wrong)).toContain(Object.keys(wrong)[0])
})
