import { afterEach, beforeEach, expect, onTestFinished, test, vi, type TestContext } from 'vitest'
import { openValueTable } from '../../src/cluster/value-table.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { openSessionGateways } from '../harness/open-session-gateways.ts'
import { startIssuer, type Issuer } from '../harness/start-issuer.ts'
import { startRedis } from '../harness/start-redis.ts'
import { until } from '../harness/until.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())
const pass = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1000)

async function open(context: TestContext, storage: 'cookie' | 'redis', app: object = {}) {
  const redis = storage === 'redis' ? { redis: (await startRedis(context)).address } : {}
  const all = await openSessionGateways({ routes: { app }, ...redis })
  onTestFinished(all.stop)
  const statuses = async (cookie: string) => {
    pass(1.1)
    const asked = all.gateways.map(({ ask }) => ask('/app', { headers: { cookie } }))
    return [...new Set((await Promise.all(asked)).map(({ status }) => status))]
  }
  return { ...all, statuses }
}

test.for(['cookie', 'redis'] as const)(
  'who signs out at the provider is signed out in all workers (oauth2-proxy #1224): %s',
  async (storage, context) => {
    const { provider, signIn, cookiesOf, statuses } = await open(context, storage)
    const browser = await signIn('anna')
    const other = cookiesOf(await signIn('anna'))
    const cookie = cookiesOf(browser)
    expect(await statuses(cookie)).toEqual([200])
    const page = await (await browser.request(`${provider.url}/session/end`)).text()
    const xsrf = /name="xsrf" value="(\w+)"/.exec(page)?.[1] ?? ''
    const body = new URLSearchParams({ xsrf, logout: 'yes' })
    await browser.request(`${provider.url}/session/end/confirm`, { method: 'POST', body })
    await until('the session to end', async () => (await statuses(cookie)).join() === '401')
    // That of another browser is another session at the provider.
    expect(await statuses(other)).toEqual([200])
  },
)

test('who signs out here revokes the tokens with logout_revoke, and goes on to the provider', async (context) => {
  const all = await open(context, 'cookie', { logout_revoke: true })
  const browser = await all.signIn('anna')
  const away = await browser.request(`${all.gateways[0]?.url}/app/logout`, {
    method: 'POST',
    body: new URLSearchParams({ a: 'form' }),
  })
  expect(away.headers.get('location')).toContain('/session/end?')
  const revoked = all.provider.requests.filter((one) => one === 'POST /token/revocation')
  expect(revoked).toHaveLength(2)
  // A provider that is down does not prevent signing out here.
  const second = await all.signIn('anna')
  const cookie = all.cookiesOf(second)
  await second.request(`${all.gateways[0]?.url}/app`)
  all.provider.state = 'down'
  await second.request(`${all.gateways[0]?.url}/app/logout`, { method: 'POST' })
  expect(await all.statuses(cookie)).toEqual([401])
})

const event = 'http://schemas.openid.net/event/backchannel-logout'

/** A gateway that accepts notices of an issuer, and what it keeps. */
async function openReceiver() {
  const issuer = await startIssuer(() => Date.now())
  onTestFinished(issuer.stop)
  const values = openValueTable({ now: () => Date.now() })
  const gateway = await openGateway(
    {
      services: [{ name: 'none', host: '127.0.0.1', port: 9 }],
      routes: [{ name: 'app', service: 'none', paths: ['/app'] }],
      plugins: [
        {
          name: 'openid-connect',
          route: 'app',
          config: {
            issuer: issuer.url,
            auth_methods: ['session'],
            client_id: ['gateway'],
            session_secret: 'a-secret-for-the-cookies-of-sessions',
            logout_uri_suffix: '/logout',
          },
        },
      ],
    },
    { values },
  )
  const send = async (...tokens: readonly string[]) => {
    const body = new URLSearchParams()
    for (const token of tokens) body.append('logout_token', token)
    const { status } = await gateway.ask('/app/logout', { method: 'POST', body })
    const ended = values.rows().filter(([, key]) => key.includes('revoked:')).length
    return { status, ended }
  }
  let made = 0
  const sign = (claims: object = {}, header: Record<string, unknown> = {}) => {
    const now = Math.floor(Date.now() / 1000)
    const valid = { aud: 'gateway', iat: now, exp: now + 120, jti: `jti-${(made += 1)}` }
    const all = { ...valid, sid: 'session-1', sub: undefined, events: { [event]: {} }, ...claims }
    return issuer.sign(all, { typ: 'logout+jwt', ...header })
  }
  return { gateway, issuer, send, sign }
}

test('a logout token counts once', async () => {
  const { gateway, send, sign } = await openReceiver()
  const token = await sign()
  const together = await Promise.all(Array.from({ length: 10 }, () => send(token)))
  expect(together.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(await send(token)).toEqual({ status: 400, ended: 1 })
  expect(gateway.events.at(-1)).toMatchObject({
    reason: 'openid-connect.logout_token',
    outcome: 'denied',
  })
  expect(await send(await sign({ sid: undefined, sub: 'anna' }))).toEqual({ status: 200, ended: 2 })
  expect(await send(await sign({ aud: ['other', 'gateway'], sid: 'session-2' }))).toEqual({
    status: 200,
    ended: 3,
  })
})

const now = () => Math.floor(Date.now() / 1000)
type Sign = Awaited<ReturnType<typeof openReceiver>>['sign']
const forged: Readonly<Record<string, (sign: Sign, issuer: Issuer) => Promise<string>>> = {
  'an access token': (sign) => sign({}, { typ: 'at+jwt' }),
  'an ID token': (sign) => sign({ events: undefined, nonce: 'n' }),
  'a nonce': (sign) => sign({ nonce: 'n' }),
  'another event': (sign) => sign({ events: { other: {} } }),
  'an event that is no object': (sign) => sign({ events: { [event]: true } }),
  'events of a list': (sign) => sign({ events: [event] }),
  'another audience': (sign) => sign({ aud: 'other' }),
  'no audience': (sign) => sign({ aud: undefined }),
  'another issuer': (sign) => sign({ iss: 'https://evil.example' }),
  'no jti': (sign) => sign({ jti: undefined }),
  'no iat': (sign) => sign({ iat: undefined }),
  'no exp': (sign) => sign({ exp: undefined }),
  'an old iat': (sign) => sign({ iat: now() - 900, exp: now() + 120 }),
  'an iat in the future': (sign) => sign({ iat: now() + 900, exp: now() + 1_000 }),
  'an end in the past': (sign) => sign({ exp: now() - 200 }),
  'neither sid nor sub': (sign) => sign({ sid: undefined }),
  'a sid that is an object': (sign) => sign({ sid: { a: 1 } }),
  'the signature of another': async (sign) => `${(await sign()).slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`,
  'no signature': async (sign) => {
    const [, payload] = (await sign()).split('.')
    const header = { alg: 'none', typ: 'logout+jwt' }
    return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.`
  },
  'a huge token': (sign) => sign({ sid: 'x'.repeat(20_000) }),
  'no JWT': async () => 'token',
}

test('a forged logout token ends nothing', async () => {
  const { issuer, send, sign } = await openReceiver()
  for (const [name, make] of Object.entries(forged))
    expect([name, await send(await make(sign, issuer))]).toEqual([name, { status: 400, ended: 0 }])
  expect(await send(await sign(), await sign())).toEqual({ status: 400, ended: 0 })
  issuer.state = 'down'
  pass(600)
  await issuer.rotate()
  expect(await send(await sign())).toMatchObject({ ended: 0 })
})
