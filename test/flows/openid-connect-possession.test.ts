import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, get as httpGet, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
} from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openValueTable } from '../../src/cluster/value-table.ts'
import { makeAuthority, type Pair } from '../harness/make-certificate.ts'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startIssuer, type Issuer } from '../harness/start-issuer.ts'
import { echo, type Echo } from '../harness/start-upstream.ts'

type Key = { readonly privateKey: CryptoKey; readonly jwk: JWK; readonly thumbprint: string }

let issuer: Issuer
let gateways: [TestGateway, TestGateway]
let own: Key
let other: Key
let offset = 0
const clock = { now: () => Date.now() + offset }
const stops: (() => unknown)[] = []
const authority = await makeAuthority('some')
const pair = await authority.issue({ names: ['client'] })
const otherPair = await authority.issue({ names: ['client'] })

const makeKey = async (): Promise<Key> => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
}

/** Two workers of one node. */
beforeAll(async () => {
  issuer = await startIssuer(clock.now)
  stops.push(issuer.stop)
  ;[own, other] = [await makeKey(), await makeKey()]
  const server = createServer((request, response) => void echo(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  stops.push(() => server.close())
  const base = { issuer: issuer.url, auth_methods: ['bearer'] }
  const routes: Record<string, object> = {
    strict: { ...base, proof_of_possession_dpop: 'strict' },
    optional: { ...base, proof_of_possession_dpop: 'optional' },
    nonce: { ...base, proof_of_possession_dpop: 'strict', dpop_use_nonce: true },
    bound: { ...base, proof_of_possession_mtls: 'strict' },
    either: { ...base, proof_of_possession_mtls: 'optional' },
    off: base,
  }
  const values = openValueTable(clock)
  const certificate = await authority.issue({ names: ['gateway'] })
  const open = () =>
    openGateway(
      {
        services: [
          { name: 'echo', host: '127.0.0.1', port: (server.address() as AddressInfo).port },
        ],
        routes: Object.keys(routes).map((name) => ({ name, service: 'echo', paths: [`/${name}`] })),
        plugins: Object.entries(routes).map(([name, config]) => ({
          name: 'openid-connect',
          route: name,
          config,
        })),
      },
      { clock, values, certificate, onFinished: (stop) => void stops.unshift(stop) },
    )
  gateways = [await open(), await open()]
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const sign = (claims: object = {}) => issuer.sign({ cnf: { jkt: own.thumbprint }, ...claims })

type ProofOptions = {
  readonly path?: string
  readonly claims?: object
  readonly header?: object
  readonly key?: Key
}
let made = 0
const prove = (token: string, { path = '/strict', claims, header, key = own }: ProofOptions = {}) =>
  new SignJWT({
    jti: `proof-${(made += 1)}`,
    htm: 'GET',
    htu: gateways[0].url + path,
    iat: Math.floor(clock.now() / 1000),
    ath: createHash('sha256').update(token).digest('base64url'),
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk, ...header })
    .sign(key.privateKey)
const ask = (path: string, token: string, proof?: string, scheme = 'DPoP') =>
  gateways[0].ask(path, {
    headers: {
      authorization: `${scheme} ${token}`,
      ...(proof === undefined ? {} : { dpop: proof }),
    },
  })
const errorOf = async (answer: Promise<Response> | Response) => {
  const { status, headers } = await answer
  return [status, /error="(\w+)"/.exec(headers.get('www-authenticate') ?? '')?.[1]]
}

test('a bound token needs a proof by its key, and the service gets a bearer token without the proof', async () => {
  const token = await sign()
  const answer = await ask('/strict', token, await prove(token))
  expect(answer.status).toBe(200)
  const { headers } = (await answer.json()) as Echo
  expect(headers['authorization']).toBe(`Bearer ${token}`)
  expect(headers).not.toHaveProperty('dpop')
  const withQuery = await prove(token, { claims: { htu: `${gateways[0].url}/strict?a=1#b` } })
  expect((await ask('/strict?c=2', token, withQuery)).status).toBe(200)
})

test('a stolen token is of no use as a bearer token, nor without a proof', async () => {
  const token = await sign()
  for (const path of ['/strict', '/optional']) {
    const bearer = ask(path, token, await prove(token, { path }), 'Bearer')
    expect(await errorOf(bearer)).toEqual([401, 'invalid_token'])
    expect(await errorOf(ask(path, token))).toEqual([401, 'invalid_dpop_proof'])
  }
  expect(gateways[0].events.at(-1)?.reason).toBe('openid-connect.dpop')
})

test('tokens that are not bound pass where that is optional only', async () => {
  const token = await issuer.sign({ jti: 'free' })
  expect((await ask('/optional', token, undefined, 'Bearer')).status).toBe(200)
  expect(await errorOf(ask('/strict', token, undefined, 'Bearer'))).toEqual([401, 'invalid_token'])
  const proof = await prove(token, { path: '/optional' })
  expect(await errorOf(ask('/optional', token, proof))).toEqual([401, 'invalid_token'])
  const strange = await issuer.sign({ cnf: { jkt: { a: 1 } } })
  expect(await errorOf(ask('/optional', strange, proof))).toEqual([401, 'invalid_token'])
})

test('refuses every proof that is not for this request, this token and this key', async () => {
  const token = await sign()
  const now = () => Math.floor(clock.now() / 1000)
  const privateJwk = await exportJWK(own.privateKey)
  const forged: Readonly<Record<string, ProofOptions>> = {
    'another key': { key: other },
    'another method': { claims: { htm: 'POST' } },
    'another path': { claims: { htu: `${gateways[0].url}/other` } },
    'another host': { claims: { htu: 'https://api.example/strict' } },
    'no URL': { claims: { htu: 'strict' } },
    'another token': { claims: { ath: createHash('sha256').update('x').digest('base64url') } },
    'no token': { claims: { ath: undefined } },
    'no jti': { claims: { jti: undefined } },
    'a jti that is a number': { claims: { jti: 1 } },
    'a huge jti': { claims: { jti: 'x'.repeat(400) } },
    'a huge proof': { claims: { more: 'x'.repeat(9_000) } },
    'an old proof': { claims: { iat: now() - 301 } },
    'a proof of the future': { claims: { iat: now() + 60 } },
    'no iat': { claims: { iat: undefined } },
    'another type': { header: { typ: 'jwt' } },
    'the key of another': { header: { jwk: other.jwk } },
    'a private key': { header: { jwk: privateJwk } },
    'no key': { header: { jwk: undefined } },
    'a key that is none': { header: { jwk: { kty: 'EC', crv: 'P-256' } } },
    'a symmetric key': { header: { jwk: { kty: 'oct', k: 'AAAA' } } },
  }
  for (const [name, options] of Object.entries(forged)) {
    const answer = ask('/strict', token, await prove(token, options))
    expect([name, ...(await errorOf(answer))]).toEqual([name, 401, 'invalid_dpop_proof'])
  }
  const good = await prove(token)
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: own.jwk }))
  const unsigned = `${none.toString('base64url')}.${good.split('.')[1]}.`
  for (const proof of [unsigned, 'x', `${good}, ${good}`, `${good.slice(0, -8)}AAAAAAAA`])
    expect(await errorOf(ask('/strict', token, proof))).toEqual([401, 'invalid_dpop_proof'])
  expect((await ask('/strict', token, good)).status).toBe(200)
})

test('a proof counts once, whichever workers receive it', async () => {
  const token = await sign()
  const proof = await prove(token)
  const host = new URL(gateways[0].url).host
  const send = (at: number) => {
    const { port } = gateways[at % 2] as TestGateway
    return new Promise<number | undefined>((resolve, reject) => {
      const headers = { host, authorization: `DPoP ${token}`, dpop: proof }
      const request = httpGet({ host: '127.0.0.1', port, path: '/strict', headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      request.on('error', reject)
    })
  }
  const statuses = await Promise.all(Array.from({ length: 20 }, (_, at) => send(at)))
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect(new Set(statuses)).toEqual(new Set([200, 401]))
})

test('with dpop_use_nonce, proofs need a recent nonce of the gateway', async () => {
  const token = await sign()
  const path = '/nonce'
  const first = await ask(path, token, await prove(token, { path }))
  expect(await errorOf(first)).toEqual([401, 'use_dpop_nonce'])
  const nonce = first.headers.get('dpop-nonce') ?? ''
  expect(nonce).toMatch(/^[\w-]{32}$/)
  const withNonce = (one: unknown) => prove(token, { path, claims: { nonce: one } })
  expect((await ask(path, token, await withNonce(nonce))).status).toBe(200)
  for (const wrong of ['guessed', { a: 1 }, ''])
    expect((await ask(path, token, await withNonce(wrong))).status).toBe(401)
  offset += 300_000
  const late = await sign()
  const renewed = await ask(path, late, await prove(late, { path, claims: { nonce } }))
  expect([renewed.status, renewed.headers.get('dpop-nonce')]).not.toEqual([200, null])
  offset += 600_000
  const stale = await sign()
  expect(await errorOf(ask(path, stale, await prove(stale, { path, claims: { nonce } })))).toEqual([
    401,
    'use_dpop_nonce',
  ])
})

test('a token that is bound to a certificate needs that certificate (RFC 8705)', async () => {
  const thumbprint = (of: Pair) =>
    createHash('sha256').update(new X509Certificate(of.cert).raw).digest('base64url')
  const token = await issuer.sign({ cnf: { 'x5t#S256': thumbprint(pair) } })
  const free = await issuer.sign({ jti: 'free' })
  const send = async (path: string, authorization: string, certificate?: Pair) => {
    const request = https.get({
      host: '127.0.0.1',
      port: gateways[0].securePort,
      path,
      headers: { authorization: `Bearer ${authorization}` },
      agent: false,
      rejectUnauthorized: false,
      ...certificate,
    })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }
  for (const path of ['/bound', '/either']) {
    expect([path, await send(path, token, pair)]).toEqual([path, 200])
    expect([path, await send(path, token, otherPair)]).toEqual([path, 401])
    expect([path, await send(path, token)]).toEqual([path, 401])
    expect(gateways[0].events.at(-1)?.reason).toBe('openid-connect.certificate')
    // Without TLS there is no certificate.
    expect((await ask(path, token, undefined, 'Bearer')).status).toBe(401)
  }
  expect(await send('/bound', free, pair)).toBe(401)
  expect(await send('/either', free)).toBe(200)
  expect(await send('/off', token)).toBe(200)
})
