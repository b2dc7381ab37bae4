import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, onTestFinished, test, vi, type TestContext } from 'vitest'
import type { TestBrowser } from '../harness/open-browser.ts'
import {
  openSessionGateways,
  type SessionGatewayOptions,
  type SessionGateways,
} from '../harness/open-session-gateways.ts'
import { startRedis, type TestRedis } from '../harness/start-redis.ts'
import type { Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

// The gateways and the provider are in this process and follow the same clock.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())
const pass = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1000)

const storages = ['cookie', 'redis'] as const

async function open(
  context: TestContext,
  storage: (typeof storages)[number],
  options: SessionGatewayOptions = {},
): Promise<SessionGateways & { readonly redis: TestRedis | undefined }> {
  const redis = storage === 'redis' ? await startRedis(context) : undefined
  const opened = await openSessionGateways({ ...options, ...(redis && { redis: redis.address }) })
  onTestFinished(opened.stop)
  return { ...opened, redis }
}

/** Requests of scripts over all gateways at once. */
const askAll = ({ ask }: SessionGateways, cookie: string, count: number) =>
  Promise.all(Array.from({ length: count }, (_, at) => ask(at, '/app', { headers: { cookie } })))
const statuses = (answers: readonly Response[]) => [
  ...new Set(answers.map((answer) => answer.status)),
]
const echoOf = async (answer: Response) => (await answer.json()) as Echo
const tokenIn = async (answer: Response) => (await echoOf(answer)).headers['authorization'] ?? ''
/** The token that a session has at present. */
const tokenOf = async ({ ask }: SessionGateways, cookie: string) =>
  tokenIn(await ask(0, '/app', { headers: { cookie } }))

test.for(storages)(
  'two hundred requests at once on an expired session make one refresh, and none fails (oauth2-proxy #1992, lua-resty-openidc #334): %s',
  async (storage, context) => {
    const all = await open(context, storage)
    const cookie = all.cookiesOf(await all.signIn('anna'))
    const old = await tokenOf(all, cookie)
    const requested = all.tokenRequests()
    pass(605)
    const answers = await askAll(all, cookie, 200)
    expect(statuses(answers)).toEqual([200])
    expect(all.tokenRequests() - requested).toBe(1)
    const tokens = new Set(await Promise.all(answers.map(tokenIn)))
    expect(tokens.size).toBe(1)
    expect(tokens).not.toContain(old)
    // The cookie from before the refresh goes on to work, and the next refresh is one again.
    pass(605)
    expect(statuses(await askAll(all, cookie, 60))).toEqual([200])
    expect(all.tokenRequests() - requested).toBe(2)
  },
)

test.for(storages)(
  'shortly before its end a token is refreshed beside the requests, which do not wait for a slow provider: %s',
  async (storage, context) => {
    const all = await open(context, storage)
    const cookie = all.cookiesOf(await all.signIn('anna'))
    const old = await tokenOf(all, cookie)
    const requested = all.tokenRequests()
    all.provider.state = 'slow'
    pass(580)
    const answers = await askAll(all, cookie, 30)
    expect(statuses(answers)).toEqual([200])
    expect(new Set(await Promise.all(answers.map(tokenIn)))).toEqual(new Set([old]))
    await until('the refresh to begin', () => all.tokenRequests() > requested)
    all.provider.state = 'up'
    await until('the new token', async () => {
      pass(0.3)
      return (await tokenOf(all, cookie)) !== old
    })
    expect(all.tokenRequests() - requested).toBe(1)
  },
)

test.for(storages)(
  'while the provider is down, an expired session is answered 503 and goes on afterwards: %s',
  async (storage, context) => {
    const all = await open(context, storage)
    const cookie = all.cookiesOf(await all.signIn('anna'))
    await askAll(all, cookie, 3)
    const requested = all.tokenRequests()
    all.provider.state = 'down'
    pass(605)
    expect(statuses(await askAll(all, cookie, 60))).toEqual([503])
    expect(statuses(await askAll(all, cookie, 60))).toEqual([503])
    // One attempt until the next is due, whoever asks.
    expect(all.tokenRequests() - requested).toBeLessThanOrEqual(2)
    expect(all.lastEvent(0)?.reason).toBe('openid-connect.unavailable')
    all.provider.state = 'up'
    await until('the session to go on', async () => {
      pass(1)
      return statuses(await askAll(all, cookie, 3)).join() === '200'
    })
  },
)

test.for(storages)(
  'a session whose refresh is refused ends: pages go to the provider, scripts are answered 401: %s',
  async (storage, context) => {
    const all = await open(context, storage)
    const browser = await all.signIn('anna')
    const cookie = all.cookiesOf(browser)
    expect(statuses(await askAll(all, cookie, 1))).toEqual([200])
    // The refresh tokens of the provider end by then.
    pass(15 * 86_400)
    expect(statuses(await askAll(all, cookie, 9))).toEqual([401])
    const page = await browser.request(`${all.gateways[1]?.url}/app`)
    expect(page.headers.get('location')).toContain('/auth?')
  },
)

test.for(storages)(
  'claims are those of the refreshed token (Pomerium CVE-2021-41230): %s',
  async (storage, context) => {
    let groups = ['staff']
    const all = await open(context, storage, {
      groups: () => groups,
      routes: { staff: { groups_required: ['staff'] } },
    })
    const cookie = all.cookiesOf(await all.signIn('anna', '/staff'))
    const ask = async (at: number) => (await all.ask(at, '/staff', { headers: { cookie } })).status
    expect(await ask(1)).toBe(200)
    groups = []
    pass(605)
    expect(await ask(0)).toBe(403)
    expect(await ask(1)).toBe(403)
  },
)

test.for(storages)(
  'signing out ends copies of the cookie too, in all workers: %s',
  async (storage, context) => {
    const all = await open(context, storage)
    const browser = await all.signIn('anna')
    const cookie = all.cookiesOf(browser)
    const other = all.cookiesOf(await all.signIn('anna'))
    expect(statuses(await askAll(all, cookie, 6))).toEqual([200])
    const url = `${all.gateways[1]?.url}/app/logout`
    expect((await browser.request(url, { method: 'POST' })).status).toBe(302)
    pass(1.1)
    expect(statuses(await askAll(all, cookie, 6))).toEqual([401])
    expect(statuses(await askAll(all, other, 6))).toEqual([200])
  },
)

test.for(storages)(
  'a session that is used goes on beyond session_idling_timeout, and ends without use or after session_absolute_timeout: %s',
  async (storage, context) => {
    const limits = { session_idling_timeout: 60, session_absolute_timeout: 200 }
    const all = await open(context, storage, { routes: { short: limits } })
    const ask = async ({ request }: TestBrowser) => {
      const headers = { accept: 'application/json' }
      return (await request(`${all.gateways[0]?.url}/short`, { headers })).status
    }
    const used = await all.signIn('anna', '/short')
    const unused = await all.signIn('anna', '/short')
    for (let at = 0; at < 4; at += 1) {
      pass(45)
      expect(await ask(used)).toBe(200)
    }
    // Redis counts by its own clock.
    expect(await ask(unused)).toBe(storage === 'cookie' ? 401 : 200)
    pass(45)
    expect(await ask(used)).toBe(401)
  },
)

test('sessions in Redis have small cookies, whatever the tokens hold (oauth2-proxy #1902), and nothing readable in Redis', async (context) => {
  const groups = Array.from(
    { length: 152 },
    (_, at) => `a-group-with-a-long-name-${at}-${'x'.repeat(28)}`,
  )
  const all = await open(context, 'redis', { groups: () => groups })
  const browser = await all.signIn('anna')
  const session = browser.cookies.get('session') ?? ''
  expect(session).toMatch(/^[\w-]{43}$/)
  const token = await tokenOf(all, all.cookiesOf(browser))
  expect(token.length).toBeGreaterThan(10_000)
  const { port, password, database } = all.redis?.address ?? { port: 0, password: '', database: 0 }
  const redis = new Redis({ port, password: password ?? '', db: database })
  onTestFinished(() => redis.disconnect())
  const keys = await redis.keys('*')
  expect(keys.every((key) => key.startsWith('test:weir:openid-connect:'))).toBe(true)
  const [key = ''] = keys.filter((one) => one.includes('session:'))
  const value = (await redis.get(key)) ?? ''
  expect(value.length).toBeGreaterThan(10_000)
  for (const secret of [session, token, 'anna']) {
    expect(value).not.toContain(secret)
    expect(keys.join()).not.toContain(secret)
  }
  expect(await redis.pttl(key)).toBeGreaterThan(0)
  // Write access to Redis does not allow moving a session to another id.
  const other = (await all.signIn('bob')).cookies.get('session') ?? ''
  for (const one of await redis.keys('*session:*')) await redis.set(one, value)
  pass(2)
  expect(statuses(await askAll(all, `session=${other}`, 3))).toEqual([401])
  expect(statuses(await askAll(all, `session=${session}`, 3))).toEqual([200])
})

test('requests with a session are answered 503 while Redis is down or slow, and those with a token go on', async (context) => {
  const all = await open(context, 'redis')
  const cookie = all.cookiesOf(await all.signIn('anna'))
  const authorization = await tokenOf(all, cookie)
  const byToken = async () => (await all.ask(1, '/app', { headers: { authorization } })).status
  const { port, password } = all.redis?.address ?? { port: 0, password: '' }
  const redis = new Redis({ port, password: password ?? '' })
  redis.on('error', () => undefined)
  onTestFinished(() => redis.disconnect())
  await redis.call('CLIENT', 'PAUSE', '3000', 'ALL')
  pass(2)
  expect(statuses(await askAll(all, cookie, 12))).toEqual([503])
  expect(await byToken()).toBe(200)
  await until('Redis to answer again', async () => {
    pass(2)
    return statuses(await askAll(all, cookie, 3)).join() === '200'
  })
  await all.redis?.stop()
  pass(2)
  expect(statuses(await askAll(all, cookie, 12))).toEqual([503])
  expect(all.lastEvent(0)?.reason).toBe('openid-connect.unavailable')
  expect(await byToken()).toBe(200)
  await all.redis?.start()
  // It is empty: people sign in again.
  await until('Redis to be there again', async () => {
    pass(2)
    return statuses(await askAll(all, cookie, 3)).join() === '401'
  })
  await all.signIn('anna')
})

test('a refresh token in a header, query or form becomes tokens, and its successor is in the response', async (context) => {
  const all = await open(context, 'cookie', {
    count: 1,
    routes: {
      machine: {
        auth_methods: ['refresh_token'],
        refresh_token_param_name: 'X-Refresh',
        downstream_refresh_token_header: 'X-Next',
      },
      app: { downstream_refresh_token_header: 'X-Next' },
    },
  })
  const cookie = all.cookiesOf(await all.signIn('anna'))
  const nextOf = (answer: Response) => answer.headers.get('x-next') ?? ''
  const first = nextOf(await all.ask(0, '/app', { headers: { cookie } }))
  const requested = all.tokenRequests()
  const inHeader = (token: string) => all.ask(0, '/machine', { headers: { 'x-refresh': token } })
  const answers = await Promise.all([inHeader(first), inHeader(first), inHeader(first)] as const)
  expect(statuses(answers)).toEqual([200])
  expect(all.tokenRequests() - requested).toBe(1)
  expect(all.lastEvent(0)).toMatchObject({ subject: 'anna', outcome: 'allowed' })
  const next = nextOf(answers[0])
  expect(next).not.toBe(first)
  expect((await echoOf(answers[0])).headers).not.toHaveProperty('x-refresh')
  const inQuery = await all.ask(0, `/machine?a=1&X-Refresh=${next}`)
  const body = new URLSearchParams({ 'X-Refresh': nextOf(inQuery), b: '2' })
  expect((await echoOf(inQuery)).url).toBe('/?a=1')
  const inBody = await all.ask(0, '/machine', { method: 'POST', body })
  expect((await echoOf(inBody)).body).toBe('b=2')
  const wrong = await inHeader('guessed')
  expect([wrong.status, all.lastEvent(0)?.reason]).toEqual([401, 'openid-connect.refused'])
  for (const secret of [first, next, 'guessed'])
    expect(JSON.stringify(all.gateways[0]?.events)).not.toContain(secret)
})
