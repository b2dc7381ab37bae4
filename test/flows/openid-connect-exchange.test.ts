import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startIssuer, type Issuer } from '../harness/start-issuer.ts'
import { echo, type Echo } from '../harness/start-upstream.ts'

let target: Issuer
let partner: Issuer
let stranger: Issuer
let gateway: TestGateway
let offset = 0
const clock = { now: () => Date.now() + offset }
const stops: (() => unknown)[] = []
/** The requests that the token endpoint received. */
const requests: URLSearchParams[] = []
let answer: (form: URLSearchParams) => Promise<readonly [status: number, body: object]>

const listen = async (server: ReturnType<typeof createServer>): Promise<number> => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  stops.push(() => server.close())
  return (server.address() as AddressInfo).port
}

beforeAll(async () => {
  const start = () => startIssuer(clock.now)
  ;[target, partner, stranger] = await Promise.all([start(), start(), start()])
  stops.push(target.stop, partner.stop, stranger.stop)
  const tokens = createServer((request, response) => {
    let text = ''
    request.on('data', (part) => (text += String(part)))
    request.on('end', () => {
      const form = new URLSearchParams(text)
      requests.push(form)
      void answer(form).then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      })
    })
  })
  const endpoint = `http://127.0.0.1:${await listen(tokens)}/token`
  const service = await listen(createServer((request, response) => void echo(request, response)))
  const base = {
    issuer: target.url,
    auth_methods: ['bearer'],
    client_id: ['gateway'],
    client_secret: ['the-secret-of-the-gateway'],
    token_endpoint: endpoint,
    scopes: ['read'],
  }
  const routes: Record<string, object> = {
    exchange: {
      ...base,
      token_exchange: {
        subject_token_issuers: [
          { issuer: partner.url },
          {
            issuer: target.url,
            conditions: { has_audience: ['wide'], missing_scopes: ['narrow'] },
          },
        ],
        request: { audience: ['orders'] },
      },
    },
    keys: {
      ...base,
      token_exchange: {
        subject_token_issuers: [{ issuer: partner.url, jwks_uri: partner.jwksUrl }],
        request: { empty_scopes: true, empty_audience: true },
        cache: { enabled: false },
      },
    },
    foreign: {
      ...base,
      token_exchange: {
        subject_token_issuers: [{ issuer: partner.url, jwks_uri: stranger.jwksUrl }],
      },
    },
  }
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port: service }],
      routes: Object.keys(routes).map((name) => ({ name, service: 'echo', paths: [`/${name}`] })),
      plugins: Object.entries(routes).map(([name, config]) => ({
        name: 'openid-connect',
        route: name,
        config,
      })),
    },
    { clock, onFinished: (stop) => void stops.unshift(stop) },
  )
  answer = async () => [
    200,
    {
      access_token: await target.sign({ sub: 'exchanged', aud: 'orders' }),
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      expires_in: 600,
    },
  ]
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const ask = async (path: string, token: string) => {
  const before = requests.length
  const response = await gateway.ask(path, { headers: { authorization: `Bearer ${token}` } })
  const { status } = response
  const text = await response.text()
  const sent = status === 200 ? (JSON.parse(text) as Echo).headers['authorization'] : undefined
  return { status, sent, exchanged: requests.length - before }
}

test('the service receives a token of the provider for one of another issuer, once until either expires', async () => {
  const token = await partner.sign({ exp: Math.floor(clock.now() / 1000) + 60 })
  const first = await ask('/exchange', token)
  expect(first).toMatchObject({ status: 200, exchanged: 1 })
  expect(first.sent).not.toContain(token)
  expect(Object.fromEntries(requests.at(-1) ?? [])).toMatchObject({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'orders',
    scope: 'read',
  })
  expect(gateway.events.at(-1)).toMatchObject({ subject: 'exchanged', issuer: target.url })
  expect(await ask('/exchange', token)).toEqual({ ...first, exchanged: 0 })
  offset += 61_000
  expect(await ask('/exchange', token)).toMatchObject({ status: 401, exchanged: 0 })
})

test('tokens of the provider itself are exchanged where all conditions hold', async () => {
  const exchanged = async (claims: Readonly<Record<string, unknown>>) =>
    (await ask('/exchange', await target.sign(claims))).exchanged
  expect(await exchanged({ aud: ['wide', 'more'], scope: 'broad' })).toBe(1)
  expect(await exchanged({ aud: 'wide', scope: 'narrow broad' })).toBe(0)
  expect(await exchanged({ aud: 'other', scope: 'broad' })).toBe(0)
})

test('sends no parameters that are to be empty, and keeps nothing without the cache', async () => {
  const token = await partner.sign()
  expect((await ask('/keys', token)).exchanged).toBe(1)
  expect((await ask('/keys', token)).exchanged).toBe(1)
  expect([requests.at(-1)?.has('scope'), requests.at(-1)?.has('audience')]).toEqual([false, false])
})

test('a token that is forged, or of an issuer that is not listed, never reaches the provider', async () => {
  const forged = await stranger.sign({ iss: partner.url })
  const expired = await partner.sign({ exp: Math.floor(clock.now() / 1000) - 5 })
  const cases: readonly (readonly [path: string, token: string])[] = [
    ['/exchange', forged],
    ['/exchange', expired],
    ['/exchange', await partner.sign({}, { typ: 'dpop+jwt' })],
    ['/exchange', await stranger.sign()],
    ['/exchange', await partner.sign({ iss: target.url })],
    ['/foreign', await partner.sign()],
    ['/exchange', `${(await partner.sign()).split('.').slice(0, 2).join('.')}.`],
  ]
  for (const [path, token] of cases)
    expect(await ask(path, token)).toEqual({ status: 401, sent: undefined, exchanged: 0 })
})

test('what the provider answers is verified too; its refusal is 401, its failure 503', async () => {
  const before = answer
  const outcome = async (status: number, body: object) => {
    answer = async () => [status, body]
    return (await ask('/keys', await partner.sign())).status
  }
  const token = { token_type: 'Bearer', expires_in: 60 }
  expect(await outcome(200, { ...token, access_token: await stranger.sign() })).toBe(401)
  expect(await outcome(400, { error: 'invalid_grant' })).toBe(401)
  expect(await outcome(400, { error: 'invalid_client' })).toBe(503)
  expect(await outcome(500, {})).toBe(503)
  answer = before
})
