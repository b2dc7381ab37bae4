import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const clock = { time: Date.now(), now: () => clock.time }
const advance = (seconds: number): void => void (clock.time += seconds * 1000)
const secret = 'a-secret-of-the-sessions'
const session = (config: object = {}) => ({
  name: 'session',
  config: { secret, cookie_secure: false, ...config },
})
const guestKey = { name: 'key-auth', config: { anonymous: 'guest' } }

/** The authorization server of the tests. */
const server = {
  answers: new Map<string, object>(),
  seen: [] as { headers: IncomingHttpHeaders; body: string }[],
  state: 'up' as 'up' | 'down' | 'broken',
}
let gateway: TestGateway
const stops: (() => unknown)[] = []

beforeAll(async () => {
  const { port } = await startUpstream(undefined, (stop) => stops.push(stop))
  const authorization = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += String(part)))
    request.on('end', () => {
      server.seen.push({ headers: request.headers, body })
      if (server.state === 'down') return request.socket.destroy()
      if (server.state === 'broken') return response.end('[1]')
      const token = new URLSearchParams(body).get('token') ?? ''
      return response.end(JSON.stringify(server.answers.get(token) ?? { active: false }))
    })
  })
  await new Promise<void>((resolve) => void authorization.listen(0, '127.0.0.1', resolve))
  stops.push(
    () => authorization.close(),
    () => authorization.closeAllConnections(),
  )
  const introspection = (config: object = {}) => ({
    name: 'oauth2-introspection',
    config: {
      introspection_url: `http://127.0.0.1:${(authorization.address() as AddressInfo).port}/`,
      authorization_value: 'Basic d2VpcjpzZWNyZXQ=',
      ...config,
    },
  })
  const routes: Record<string, readonly object[]> = {
    signed: [session(), guestKey],
    other: [session({ audience: 'other' }), guestKey],
    both: [session(), { name: 'key-auth', config: {} }],
    body: [session({ read_body_for_logout: true }), guestKey],
    tokens: [introspection({ custom_claims_forward: ['tenant_id'] })],
    clients: [introspection({ consumer_by: 'client_id', anonymous: 'guest' })],
    paths: [introspection({ introspect_request: true, token_type_hint: 'access_token' })],
  }
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: Object.keys(routes).map((name) => ({ name, paths: [`/${name}`], service: 'echo' })),
      plugins: Object.entries(routes).flatMap(([route, plugins]) =>
        plugins.map((plugin) => ({ ...plugin, route })),
      ),
      consumers: { ann: { keys: ['key-of-ann'] }, bob: { keys: ['key-of-bob'] }, guest: {} },
    },
    { clock, onFinished: (stop) => stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

type Seen = {
  readonly status: number
  readonly consumer: unknown
  readonly cookie: string
  readonly echo: Echo
}

async function ask(
  path: string,
  headers: Record<string, string> = {},
  init: RequestInit = {},
): Promise<Seen> {
  const response = await gateway.ask(path, { ...init, headers })
  const text = await response.text()
  const echo = (text.startsWith('{') ? JSON.parse(text) : {}) as Echo
  const cookie = response.headers.getSetCookie()[0] ?? ''
  return { status: response.status, consumer: echo.headers?.['x-consumer-username'], cookie, echo }
}

const pairOf = (cookie: string): string => cookie.split(';')[0] ?? ''
const signIn = async (key = 'key-of-ann'): Promise<string> =>
  pairOf((await ask('/signed', { apikey: key })).cookie)

test('a cookie stands for the credentials once they were accepted, and the service does not get it', async () => {
  const first = await ask('/signed', { apikey: 'key-of-ann' })
  expect(first.cookie).toMatch(/^session=[\w-]+; Path=\/; Max-Age=900; SameSite=Strict; HttpOnly$/)
  expect(first.cookie).not.toContain('ann')
  const again = await ask('/signed', { cookie: `a=1; ${pairOf(first.cookie)}; b=2` })
  expect(again).toMatchObject({ status: 200, consumer: 'ann', cookie: '' })
  expect(again.echo.headers['cookie']).toBe('a=1; b=2')
  expect(gateway.events.at(-1)).toMatchObject({
    auth_method: 'session',
    consumer: 'ann',
    credential: 'ann-key-of-ann',
  })
  expect((await ask('/signed')).consumer).toBe('guest')
  expect((await ask('/signed')).cookie, 'no session for anonymous callers').toBe('')
})

test('refuses cookies that were changed, are of another audience or secret, or of nobody', async () => {
  const cookie = await signIn()
  const changed = cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
  for (const text of [changed, 'session=', 'session=e30', `${cookie}A`.repeat(40)])
    expect([text.length, (await ask('/signed', { cookie: text })).consumer]).toEqual([
      text.length,
      'guest',
    ])
  expect((await ask('/other', { cookie })).consumer).toBe('guest')
})

test('ends sessions by idling, rolling and absolute timeout, and renews used ones', async () => {
  let cookie = await signIn()
  advance(899)
  const renewed = await ask('/signed', { cookie })
  expect(renewed.consumer).toBe('ann')
  advance(1)
  expect((await ask('/signed', { cookie })).consumer, 'the old cookie is idle').toBe('guest')
  cookie = pairOf(renewed.cookie)
  let lasted = 900
  for (; lasted <= 90_000; lasted += 600) {
    advance(600)
    const seen = await ask('/signed', { cookie })
    if (seen.consumer !== 'ann') break
    if (seen.cookie !== '') cookie = pairOf(seen.cookie)
  }
  expect(lasted).toBeGreaterThan(86_400 - 1200)
  expect(lasted).toBeLessThanOrEqual(86_400)
})

test('signs out by query and by body, and only by the methods for it', async () => {
  const cookie = await signIn()
  const gone = await ask('/signed?session_logout=true', { cookie }, { method: 'POST' })
  expect(gone).toMatchObject({ status: 200 })
  expect(gone.cookie).toMatch(/^session=; .*Max-Age=0/)
  expect((await ask('/signed?session_logout=true', { cookie })).cookie).toBe('')
  const form = { method: 'POST', body: new URLSearchParams({ session_logout: 'true' }) }
  expect((await ask('/body', { cookie }, form)).cookie).toMatch(/Max-Age=0/)
  expect((await ask('/signed', { cookie }, form)).consumer).toBe('ann')
  const json = { cookie, 'content-type': 'application/json' }
  const body = JSON.stringify({ session_logout: true })
  expect((await ask('/body', json, { method: 'POST', body })).cookie).toMatch(/Max-Age=0/)
})

test('a plugin without anonymous still needs its own credentials, and another consumer gets another session', async () => {
  const cookie = await signIn()
  expect((await ask('/both', { cookie })).status).toBe(401)
  const other = await ask('/both', { cookie, apikey: 'key-of-bob' })
  expect(other.consumer).toBe('bob')
  expect((await ask('/signed', { cookie: pairOf(other.cookie) })).consumer).toBe('bob')
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('accepts active tokens, tells the service about them, and asks once per ttl', async () => {
  const claims = { active: true, username: 'ann', scope: 'read write', sub: 'u1', tenant_id: 't1' }
  server.answers.set('one', { ...claims, client_id: 'app', exp: clock.time / 1000 + 3600 })
  server.seen.length = 0
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      ask('/tokens', { ...bearer('one'), 'X-Credential-Sub': 'forged' }),
    ),
  )
  expect(new Set(answers.map(({ consumer }) => consumer))).toEqual(new Set(['ann']))
  expect(server.seen).toHaveLength(1)
  expect(server.seen[0]).toMatchObject({
    body: 'token=one',
    headers: { authorization: 'Basic d2VpcjpzZWNyZXQ=' },
  })
  expect(answers[0]?.echo.headers).toMatchObject({
    'x-credential-scope': 'read write',
    'x-credential-client-id': 'app',
    'x-credential-sub': 'u1',
    'x-credential-tenant-id': 't1',
    'x-credential-identifier': 'ann',
  })
  expect(answers[0]?.echo.headers['authorization']).toBeUndefined()
  expect(gateway.events.at(-1)).toMatchObject({
    auth_method: 'oauth2-introspection',
    subject: 'u1',
    scopes: ['read', 'write'],
  })
  advance(31)
  server.answers.delete('one')
  expect((await ask('/tokens', bearer('one'))).status, 'revoked').toBe(401)
})

test('refuses missing, inactive and expired tokens, wherever they are', async () => {
  expect((await ask('/tokens')).status).toBe(401)
  expect(gateway.events.at(-1)).toMatchObject({ reason: 'oauth2-introspection.no_token' })
  expect((await ask('/tokens', bearer('unknown'))).status).toBe(401)
  server.answers.set('short', { active: true, username: 'ann', exp: clock.time / 1000 + 10 })
  expect((await ask('/tokens?access_token=short&a=1')).echo.url).toBe('/?a=1')
  const form = { method: 'POST', body: new URLSearchParams({ access_token: 'short', a: '1' }) }
  expect((await ask('/tokens', {}, form)).echo.body).toBe('a=1')
  advance(10)
  expect((await ask('/tokens', bearer('short'))).status, 'expired, though remembered').toBe(401)
  server.answers.set('late', { active: true, nbf: clock.time / 1000 + 10 })
  expect((await ask('/tokens', bearer('late'))).status).toBe(401)
  server.answers.set('text', { active: 'true', username: 'ann' })
  expect((await ask('/tokens', bearer('text'))).status).toBe(401)
  expect(JSON.stringify(gateway.events)).not.toContain('access_token=short')
})

test('answers 503 while the authorization server is down or talks nonsense, and recovers', async () => {
  server.answers.set('later', { active: true, username: 'bob' })
  for (const state of ['down', 'broken'] as const) {
    server.state = state
    expect((await ask('/tokens', bearer('later'))).status).toBe(503)
    expect((await ask('/clients', bearer('later'))).status, 'no way around it').toBe(503)
  }
  server.state = 'up'
  await until('it recovers', async () => (await ask('/tokens', bearer('later'))).consumer === 'bob')
})

test('finds consumers by client id, falls back to anonymous, and sends the request on demand', async () => {
  server.answers.set('robot', { active: true, client_id: 'robot', sub: 'robot' })
  expect((await ask('/clients', bearer('robot'))).consumer).toBeUndefined()
  expect(gateway.events.at(-1)).toMatchObject({
    principal_kind: 'service-account',
    subject: 'robot',
  })
  expect((await ask('/clients', bearer('unknown'))).consumer).toBe('guest')
  server.seen.length = 0
  await ask('/paths/a', bearer('robot'))
  await ask('/paths/b', bearer('robot'))
  expect(server.seen.map(({ headers, body }) => [headers['x-request-path'], body])).toEqual([
    ['/paths/a', 'token=robot&token_type_hint=access_token'],
    ['/paths/b', 'token=robot&token_type_hint=access_token'],
  ])
})
