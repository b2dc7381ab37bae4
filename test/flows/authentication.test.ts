import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'

const basic = { name: 'basic-auth', config: {} }
const jwt = { name: 'jwt', config: { cookie_names: ['token'] } }
const hmac = { name: 'hmac-auth', config: { enforce_headers: ['date', 'request-line'] } }
const optional = { anonymous: 'guest' }

/** Each route has these plugins. */
const routes: Readonly<Record<string, readonly { name: string; config: object }[]>> = {
  basic: [basic],
  body: [{ name: 'hmac-auth', config: { validate_request_body: true } }],
  both: [jwt, basic],
  either: [jwt, basic, { name: 'key-auth', config: {} }].map(({ name, config }) => ({
    name,
    config: { ...config, ...optional },
  })),
  hmac: [hmac],
  jwt: [jwt],
  keyed: [basic, { name: 'key-auth', config: {} }],
  shown: [{ name: 'basic-auth', config: { hide_credentials: false } }],
}

let gateway: TestGateway
const stops: (() => unknown)[] = []

beforeAll(async () => {
  const { port } = await startUpstream(undefined, (stop) => stops.push(stop))
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: Object.keys(routes).map((name) => ({ name, paths: [`/${name}`], service: 'echo' })),
      plugins: Object.entries(routes).flatMap(([route, plugins]) =>
        plugins.map((plugin) => ({ ...plugin, route })),
      ),
      consumers: {
        ann: {
          basic: { ann: 'pass:word', änne: 'pässwörd' },
          hmac: { ann: 'shared' },
          jwts: [{ key: 'ann', algorithm: 'HS256', secret: 'signing', rsa_public_key: null }],
          keys: ['key-of-ann'],
        },
        bob: { basic: { bob: 'of-bob' }, keys: ['key-of-bob'] },
        guest: {},
      },
    },
    { onFinished: (stop) => stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const basicOf = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`

function tokenOf(claims: object): string {
  const parts = [{ alg: 'HS256' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const text = parts.join('.')
  return `${text}.${createHmac('sha256', 'signing').update(text).digest('base64url')}`
}

/** The request that the service receives. */
async function forwarded(path: string, headers: Record<string, string>, init: RequestInit = {}) {
  const response = await gateway.ask(path, { ...init, headers })
  expect(response.status).toBe(200)
  return (await response.json()) as Echo
}

const statusOf = async (path: string, headers: Record<string, string>): Promise<number> =>
  (await gateway.ask(path, { headers })).status

test('basic-auth identifies by username and password, and hides them', async () => {
  const authorization = basicOf('ann:pass:word')
  const { headers } = await forwarded('/basic', { authorization, 'x-consumer-id': 'forged' })
  expect(headers).toMatchObject({
    'x-consumer-id': 'ann',
    'x-consumer-username': 'ann',
    'x-credential-identifier': 'ann',
  })
  expect(headers['authorization']).toBeUndefined()
  expect((await forwarded('/shown', { authorization })).headers).toMatchObject({ authorization })
  expect(gateway.events.at(-1)).toMatchObject({
    auth_method: 'basic-auth',
    credential: 'ann-ann',
    consumer: 'ann',
  })
  await forwarded('/basic', { authorization: basicOf('änne:pässwörd') })
})

test('basic-auth refuses all other requests with a challenge', async () => {
  const refused = await gateway.ask('/basic')
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
    401,
    'Basic realm="service"',
  ])
  for (const authorization of [
    basicOf('ann:wrong'),
    basicOf('ann:'),
    basicOf('ann'),
    basicOf(':pass:word'),
    basicOf('nobody:pass:word'),
    basicOf('__proto__:x'),
    basicOf(`ann:${createHash('sha1').update('pass:wordann').digest('hex')}`),
    'Basic !!!',
    'Basic',
    'Bearer ann',
  ])
    expect([authorization, await statusOf('/basic', { authorization })]).toEqual([
      authorization,
      401,
    ])
})

test('jwt reads tokens from headers, the query and cookies, and keeps them out of events', async () => {
  const token = tokenOf({ iss: 'ann' })
  const authorization = `Bearer ${token}`
  expect((await forwarded('/jwt', { authorization })).headers).toMatchObject({
    'x-consumer-username': 'ann',
    'x-credential-identifier': 'ann',
  })
  await forwarded('/jwt', { cookie: `a=b; token=${token}` })
  await forwarded(`/jwt?jwt=${token}&page=2`, {})
  expect(gateway.events.at(-1)).toMatchObject({ query: 'jwt=REDACTED&page=2', auth_method: 'jwt' })
  // The same token in two places is one token.
  await forwarded(`/jwt?jwt=${token}`, { authorization })
  const other = tokenOf({ iss: 'ann', jti: '2' })
  const twice = await gateway.ask(`/jwt?jwt=${other}`, { headers: { authorization } })
  expect([twice.status, twice.headers.get('www-authenticate'), await twice.json()]).toEqual([
    401,
    'Bearer error="invalid_token"',
    expect.objectContaining({ message: 'Multiple tokens provided' }),
  ])
  const expired = { authorization: `Bearer ${tokenOf({ iss: 'ann', exp: 1 })}` }
  const answer = await gateway.ask('/jwt', { headers: expired })
  expect([answer.status, await answer.json()]).toEqual([401, { exp: 'token expired' }])
  expect(gateway.events.at(-1)).toMatchObject({ denied_by: 'jwt', reason: 'jwt.claims' })
})

/** Headers that sign a request. */
function signed(line: string, more: Record<string, string> = {}, secret = 'shared') {
  const date = more['date'] ?? new Date().toUTCString()
  const extra = Object.keys(more).filter((name) => name !== 'date')
  const text = [`date: ${date}`, line, ...extra.map((name) => `${name}: ${more[name]}`)].join('\n')
  const signature = createHmac('sha256', secret).update(text).digest('base64')
  const names = ['date', 'request-line', ...extra].join(' ')
  const authorization = `hmac username="ann", algorithm="hmac-sha256", headers="${names}", signature="${signature}"`
  return { ...more, date, authorization }
}

test('hmac-auth identifies by a signature of the request', async () => {
  const { headers } = await forwarded('/hmac/a?b=c', signed('GET /hmac/a?b=c HTTP/1.1'))
  expect(headers).toMatchObject({ 'x-consumer-username': 'ann' })
  expect(headers['authorization']).toBeUndefined()
  const line = 'GET /hmac HTTP/1.1'
  const skewed = new Date(Date.now() - 400_000).toUTCString()
  const unsigned = signed(line).authorization.replace('date request-line', 'date')
  const messages: unknown[] = []
  for (const headers of [
    {},
    signed(line, { date: skewed }),
    signed('GET /other HTTP/1.1'),
    signed(line, {}, 'guessed'),
    { ...signed(line), authorization: unsigned },
    { ...signed(line), authorization: signed(line).authorization.replace('sha256', 'md5') },
    { ...signed(line), authorization: signed(line).authorization.replace('"ann"', '"bob"') },
  ]) {
    const response = await gateway.ask('/hmac', { headers })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'hmac'])
    messages.push(((await response.json()) as { message: string }).message)
  }
  const unverifiable = 'HMAC signature cannot be verified'
  const date = `${unverifiable}, a valid date or x-date header is required for HMAC Authentication`
  const mismatch = 'HMAC signature does not match'
  expect(messages).toEqual([
    'Unauthorized',
    date,
    mismatch,
    mismatch,
    unverifiable,
    unverifiable,
    unverifiable,
  ])
})

test('hmac-auth compares the signed digest with the body', async () => {
  const digestOf = (body: string) => `SHA-256=${createHash('sha256').update(body).digest('base64')}`
  const line = 'POST /body HTTP/1.1'
  const send = async (headers: Record<string, string>, body: string) =>
    (await gateway.ask('/body', { method: 'POST', headers, body })).status
  const headers = signed(line, { digest: digestOf('hello') })
  expect((await forwarded('/body', headers, { method: 'POST', body: 'hello' })).body).toBe('hello')
  expect(await send(headers, 'hullo')).toBe(401)
  expect(await send(signed(line), 'hello')).toBe(401)
  expect(await send({ ...signed(line), digest: digestOf('hello') }, 'hello')).toBe(401)
  const large = 'x'.repeat(100_000)
  expect(await send(signed(line, { digest: digestOf(large) }), large)).toBe(413)
})

test('without `anonymous` every plugin must authenticate, and the last one identifies', async () => {
  const token = tokenOf({ iss: 'ann' })
  const [jwtOnly, basicOnly] = [`/both?jwt=${token}`, '/both']
  const authorization = basicOf('bob:of-bob')
  expect(await statusOf(jwtOnly, {})).toBe(401)
  expect(await statusOf(basicOnly, { authorization })).toBe(401)
  const { headers, url } = await forwarded(jwtOnly, { authorization })
  expect(headers).toMatchObject({ 'x-consumer-id': 'bob', 'x-credential-identifier': 'bob' })
  expect(url).toContain('jwt=')
  const keyed = await forwarded('/keyed', { authorization, apikey: 'key-of-ann' })
  expect(keyed.rawHeaders.filter((name) => name.toLowerCase() === 'x-consumer-id')).toHaveLength(1)
  expect(await statusOf('/keyed', { apikey: 'key-of-ann' })).toBe(401)
  expect(await statusOf('/keyed', { authorization })).toBe(401)
})

test('with `anonymous` one of them is enough, whichever it is, and the others do not undo it', async () => {
  const ways: [Record<string, string>, string][] = [
    [{ authorization: `Bearer ${tokenOf({ iss: 'ann' })}` }, 'ann'],
    [{ authorization: basicOf('bob:of-bob') }, 'bob'],
    [{ apikey: 'key-of-bob' }, 'bob'],
    [{ apikey: 'key-of-bob', authorization: `Bearer ${tokenOf({ iss: 'ann' })}` }, 'ann'],
    [{ apikey: 'key-of-ann', authorization: basicOf('bob:wrong') }, 'ann'],
  ]
  for (const [sent, username] of ways) {
    const { headers } = await forwarded('/either', sent)
    expect(headers).toMatchObject({ 'x-consumer-username': username })
    expect(headers['x-anonymous-consumer']).toBeUndefined()
  }
  const { headers } = await forwarded('/either', { apikey: 'wrong' })
  expect(headers).toMatchObject({ 'x-consumer-username': 'guest', 'x-anonymous-consumer': 'true' })
  expect(headers['x-credential-identifier']).toBeUndefined()
})
