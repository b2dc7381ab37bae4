import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { jwtTokens, startProvider, type TestProvider } from '../harness/start-provider.ts'
import { echo, type Echo } from '../harness/start-upstream.ts'

let opaque: TestProvider
let signing: TestProvider
let gateway: TestGateway
let offset = 0
const clock = { now: () => Date.now() + offset }
const stops: (() => unknown)[] = []
const gatewaySecret = 'the-secret-of-the-gateway'
const robotSecret = 'the-secret-of-the-robot'

const clients = [
  {
    client_id: 'gateway',
    client_secret: gatewaySecret,
    grant_types: ['password', 'client_credentials', 'refresh_token', 'authorization_code'],
    redirect_uris: ['http://127.0.0.1/callback'],
  },
  {
    client_id: 'robot',
    client_secret: robotSecret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  },
]

/** Two providers: one whose access tokens are opaque, and one whose are JWTs. */
beforeAll(async () => {
  ;[opaque, signing] = await Promise.all([startProvider(), startProvider()])
  stops.push(opaque.stop, signing.stop)
  await opaque.open(clients as never)
  await signing.open(clients as never, jwtTokens('https://api.example'))
  const server = createServer((request, response) => void echo(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  stops.push(() => server.close())
  const client = { client_id: ['gateway'], client_secret: [gatewaySecret] }
  const routes: Record<string, object> = {
    machines: {
      issuer: signing.url,
      auth_methods: ['client_credentials', 'bearer'],
      audience_required: ['https://api.example'],
      scopes: ['read'],
    },
    people: { issuer: opaque.url, auth_methods: ['password', 'introspection'], ...client },
    profile: {
      issuer: opaque.url,
      auth_methods: ['password', 'introspection'],
      ...client,
      scopes: ['openid', 'profile'],
      search_user_info: true,
      groups_required: ['staff'],
      upstream_headers_claims: ['email'],
      upstream_headers_names: ['X-Email'],
      upstream_user_info_header: 'X-Userinfo',
    },
    both: {
      issuer: opaque.url,
      auth_methods: ['password', 'client_credentials', 'introspection'],
      ...client,
      scopes: ['read'],
    },
    introspection: { issuer: opaque.url, auth_methods: ['introspection'], ...client },
    uncached: {
      issuer: opaque.url,
      auth_methods: ['introspection'],
      ...client,
      cache_introspection: false,
    },
    userinfo: { issuer: opaque.url, auth_methods: ['userinfo'], ...client },
    wrong: {
      issuer: opaque.url,
      auth_methods: ['introspection'],
      client_id: ['gateway'],
      client_secret: ['wrong'],
    },
  }
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port: (server.address() as AddressInfo).port }],
      routes: Object.keys(routes).map((name) => ({ name, service: 'echo', paths: [`/${name}`] })),
      plugins: Object.entries(routes).map(([name, config]) => ({
        name: 'openid-connect',
        route: name,
        config,
      })),
    },
    { clock, onFinished: (stop) => void stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const basic = (name: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const reason = () => gateway.events.at(-1)?.reason
const tokenOf = async (response: Response) =>
  /^Bearer (.+)$/.exec(((await response.json()) as Echo).headers['authorization'] ?? '')?.[1] ?? ''
const count = (provider: TestProvider, path: string) =>
  provider.requests.filter((request) => request === path).length

test('client credentials become a token for the service, once for concurrent requests and until it expires', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      gateway.ask('/machines', { headers: basic('robot', robotSecret) }),
    ),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  const [token = ''] = await Promise.all(answers.map(tokenOf))
  expect(token.split('.')).toHaveLength(3)
  expect(count(signing, 'POST /token')).toBe(1)
  expect(gateway.events.at(-1)).toMatchObject({
    principal_kind: 'service-account',
    subject: 'robot',
    issuer: signing.url,
    scopes: ['read'],
  })
  // The token itself is accepted too.
  expect((await gateway.ask('/machines', { headers: bearer(token) })).status).toBe(200)
  offset = 700_000
  expect((await gateway.ask('/machines', { headers: bearer(token) })).status).toBe(401)
  offset = 0
})

test('wrong client credentials are refused, each time by the provider, and appear nowhere', async () => {
  for (let round = 0; round < 2; round += 1) {
    const answer = await gateway.ask('/machines', { headers: basic('robot', 'a-wrong-secret') })
    expect(answer.status).toBe(401)
    expect(reason()).toBe('openid-connect.refused')
  }
  const query = `client_id=robot&client_secret=${robotSecret}`
  const answer = await gateway.ask(`/machines?${query}&a=1`)
  expect(((await answer.json()) as Echo).url).toBe('/?client_id=robot&a=1')
  expect(JSON.stringify(gateway.events)).not.toMatch(/a-wrong-secret|the-secret-of/)
})

test('a right password reaches the service with a token, a wrong one stops at the gateway', async () => {
  const right = await gateway.ask('/people', { headers: basic('anna', 'right') })
  expect(right.status).toBe(200)
  expect(await tokenOf(right)).not.toBe('')
  expect(gateway.events.at(-1)).toMatchObject({ subject: 'anna', principal_kind: 'user' })
  const wrong = await gateway.ask('/people', { headers: basic('anna', 'wrong') })
  expect([wrong.status, reason()]).toEqual([401, 'openid-connect.refused'])
  const form = await gateway.ask('/people', {
    method: 'POST',
    body: new URLSearchParams({ username: 'anna', password: 'right', a: '1' }),
  })
  expect(((await form.json()) as Echo).body).toBe('username=anna&a=1')
})

test('looks for claims in the user info', async () => {
  const answer = await gateway.ask('/profile', { headers: basic('anna', 'right') })
  const { headers } = (await answer.json()) as Echo
  expect(headers['x-email']).toBe('anna@example.com')
  expect(JSON.parse(Buffer.from(headers['x-userinfo'] ?? '', 'base64').toString())).toMatchObject({
    sub: 'anna',
    groups: ['staff'],
  })
})

test('a name and a secret may be those of a user or of a client', async () => {
  expect((await gateway.ask('/both', { headers: basic('anna', 'right') })).status).toBe(200)
  expect(gateway.events.at(-1)?.subject).toBe('anna')
  expect((await gateway.ask('/both', { headers: basic('robot', robotSecret) })).status).toBe(200)
  expect(gateway.events.at(-1)?.principal_kind).toBe('service-account')
  expect((await gateway.ask('/both', { headers: basic('robot', 'wrong') })).status).toBe(401)
})

test('opaque tokens are introspected, remembered while they last, and refused when they are not active', async () => {
  const token = await tokenOf(await gateway.ask('/people', { headers: basic('bob', 'right') }))
  const before = count(opaque, 'POST /token/introspection')
  for (let round = 0; round < 5; round += 1)
    expect((await gateway.ask('/introspection', { headers: bearer(token) })).status).toBe(200)
  expect(count(opaque, 'POST /token/introspection') - before).toBe(1)
  for (let round = 0; round < 2; round += 1)
    expect((await gateway.ask('/uncached', { headers: bearer(token) })).status).toBe(200)
  expect(count(opaque, 'POST /token/introspection') - before).toBe(3)
  expect((await gateway.ask('/introspection', { headers: bearer('unknown') })).status).toBe(401)
  expect(reason()).toBe('openid-connect.inactive')
})

test('the user info endpoint accepts or refuses opaque tokens', async () => {
  const token = await tokenOf(await gateway.ask('/people', { headers: basic('cleo', 'right') }))
  expect((await gateway.ask('/userinfo', { headers: bearer(token) })).status).toBe(200)
  expect(gateway.events.at(-1)?.subject).toBe('cleo')
  expect((await gateway.ask('/userinfo', { headers: bearer('unknown') })).status).toBe(401)
})

test('answers 503 when the provider refuses the gateway itself, or is down', async () => {
  expect((await gateway.ask('/wrong', { headers: bearer('token') })).status).toBe(503)
  expect(reason()).toBe('openid-connect.unavailable')
  opaque.state = 'down'
  expect((await gateway.ask('/introspection', { headers: bearer('another') })).status).toBe(503)
  opaque.state = 'up'
  expect((await gateway.ask('/introspection', { headers: bearer('another') })).status).toBe(401)
})
