import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startIssuer, type Issuer } from '../harness/start-issuer.ts'
import { echo, type Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

let issuer: Issuer
let other: Issuer
let late: Issuer
let gateway: TestGateway
let offset = 0
const clock = { now: () => Date.now() + offset }
const stops: (() => unknown)[] = []

/** Routes by setting, in front of a service that describes what it receives. */
beforeAll(async () => {
  const start = () => startIssuer(clock.now)
  ;[issuer, other, late] = await Promise.all([start(), start(), start()])
  stops.push(issuer.stop, other.stop, late.stop)
  late.state = 'down'
  const server = createServer((request, response) => void echo(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  stops.push(() => server.close())
  const base = { issuer: issuer.url, auth_methods: ['bearer'] }
  const routes: Record<string, object> = {
    plain: base,
    scopes: { ...base, scopes_required: ['read write', 'admin'] },
    audience: { ...base, audience_required: ['api'] },
    roles: { ...base, roles_claim: ['realm_access', 'roles'], roles_required: ['chef'] },
    groups: { ...base, groups_required: ['staff'], claims_forbidden: ['suspended'] },
    headers: {
      ...base,
      upstream_headers_claims: ['sub', 'email', 'level', 'groups'],
      upstream_headers_names: ['X-User', 'X-Email', 'X_Level', 'X-Groups'],
      downstream_headers_claims: ['sub'],
      downstream_headers_names: ['X-Seen'],
      authenticated_groups_claim: ['groups'],
    },
    mapped: { ...base, consumer_claim: ['preferred_username'] },
    optional: { ...base, consumer_claim: ['preferred_username'], consumer_optional: true },
    guests: { ...base, consumer_claim: ['preferred_username'], anonymous: 'guest' },
    grouped: { ...base, consumer_groups_claim: ['plans'] },
    ungrouped: {
      ...base,
      consumer_claim: ['preferred_username'],
      consumer_optional: true,
      consumer_groups_claim: ['plans'],
      consumer_groups_optional: true,
    },
    leeway: { ...base, leeway: 30 },
    several: {
      ...base,
      issuers_allowed: [issuer.url, other.url],
      extra_jwks_uris: [other.jwksUrl],
    },
    cookie: { ...base, bearer_token_param_type: ['cookie'], bearer_token_cookie_name: 'at' },
    preflight: { ...base, run_on_preflight: false },
    late: { ...base, issuer: late.url },
  }
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port: (server.address() as AddressInfo).port }],
      routes: [...Object.keys(routes), 'members'].map((name) => ({
        name,
        service: 'echo',
        paths: [`/${name}`],
      })),
      plugins: [
        ...Object.entries(routes).map(([name, config]) => ({
          name: 'openid-connect',
          route: name,
          config,
        })),
        {
          name: 'openid-connect',
          route: 'members',
          config: { ...base, authenticated_groups_claim: ['groups'] },
        },
        { name: 'acl', route: 'members', config: { allow: ['staff'] } },
        ...['gold', 'silver'].map((group) => ({
          name: 'response-transformer',
          consumer_group: group,
          config: { add: { headers: [`X-Plan:${group}`] } },
        })),
      ],
      consumers: { anna: { consumerGroups: ['silver'] }, guest: { consumerGroups: ['gold'] } },
    },
    { clock, onFinished: (stop) => void stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const ask = (path: string, token: string | undefined, headers: Record<string, string> = {}) =>
  gateway.ask(path, {
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
  })
const received = async (path: string, token: string, headers: Record<string, string> = {}) => {
  const answer = await ask(path, token, headers)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Echo
}
const reason = () => gateway.events.at(-1)?.reason

test('lets a verified token through, and records whose it is', async () => {
  const token = await issuer.sign({ scope: 'read write', azp: 'shop' })
  const { headers } = await received('/plain', token)
  expect(headers['authorization']).toBe(`Bearer ${token}`)
  expect(headers['x-credential-identifier']).toBe('anna')
  expect(gateway.events.at(-1)).toMatchObject({
    subject: 'anna',
    issuer: issuer.url,
    scopes: ['read', 'write'],
    principal_kind: 'user',
    auth_method: 'openid-connect',
    outcome: 'allowed',
  })
  expect(JSON.stringify(gateway.events)).not.toContain(token.split('.')[2])
})

test('tells people, machines and agents apart in the event', async () => {
  await received('/plain', await issuer.sign({ sub: 'robot', client_id: 'robot' }))
  expect(gateway.events.at(-1)).toMatchObject({ principal_kind: 'service-account' })
  await received('/plain', await issuer.sign({ act: { sub: 'assistant' } }))
  expect(gateway.events.at(-1)).toMatchObject({ principal_kind: 'agent', agent: 'assistant' })
})

test('answers 401 with a challenge when no token is sent', async () => {
  const answer = await ask('/plain', undefined)
  const realm = new URL(issuer.url).host
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toBe(`Bearer realm="${realm}"`)
  expect(await answer.json()).toMatchObject({ message: 'Unauthorized' })
  expect(reason()).toBe('openid-connect.no_credentials')
})

test('accepts the type of RFC 9068, and clocks that differ by the leeway', async () => {
  await received('/plain', await issuer.sign({}, { typ: 'at+jwt' }))
  const now = Math.floor(clock.now() / 1000)
  await received('/leeway', await issuer.sign({ exp: now - 20, nbf: now + 20 }))
  expect((await ask('/leeway', await issuer.sign({ exp: now - 40 }))).status).toBe(401)
})

test.each([
  ['/scopes', { scope: 'read write extra' }, 200, ''],
  ['/scopes', { scope: 'admin' }, 200, ''],
  ['/scopes', { scope: 'read' }, 403, 'openid-connect.scopes'],
  ['/scopes', {}, 403, 'openid-connect.scopes'],
  ['/audience', { aud: ['web', 'api'] }, 200, ''],
  // Envoy CVE-2022-29226: tokens for others were accepted.
  ['/audience', { aud: 'web' }, 403, 'openid-connect.audience'],
  ['/audience', { aud: undefined }, 403, 'openid-connect.audience'],
  ['/roles', { realm_access: { roles: ['chef'] } }, 200, ''],
  ['/roles', { roles: ['chef'] }, 403, 'openid-connect.roles'],
  ['/roles', { realm_access: 'chef' }, 403, 'openid-connect.roles'],
  ['/groups', { groups: ['staff', 'x'] }, 200, ''],
  ['/groups', { groups: 'staffs' }, 403, 'openid-connect.groups'],
  ['/groups', { groups: ['staff'], suspended: true }, 403, 'openid-connect.forbidden_claim'],
  ['/members', { groups: ['staff'] }, 200, ''],
  ['/members', { groups: ['others'] }, 403, 'acl.group'],
])('%s with %j is answered %i %s', async (path, claims, status, why) => {
  const answer = await ask(path, await issuer.sign(claims))
  expect([answer.status, reason()]).toEqual([status, why])
  expect(gateway.events.at(-1)?.subject).toBe('anna')
  const challenge = answer.headers.get('www-authenticate') ?? ''
  expect(challenge.includes('error="insufficient_scope"')).toBe(why.startsWith('openid'))
})

test('sends claims in headers', async () => {
  const token = await issuer.sign({ email: 'änna@example.com', level: 3, groups: ['a', 'b'] })
  const answer = await ask('/headers', token)
  const { headers } = (await answer.json()) as Echo
  expect(headers['x-user']).toBe('anna')
  expect(Buffer.from(headers['x-email'] ?? '', 'latin1').toString()).toBe('änna@example.com')
  expect(headers['x_level']).toBe('3')
  expect(JSON.parse(Buffer.from(headers['x-groups'] ?? '', 'base64').toString())).toEqual([
    'a',
    'b',
  ])
  expect(answer.headers.get('x-seen')).toBe('anna')
  expect(gateway.events.at(-1)?.consumer_groups).toEqual(['a', 'b'])
})

test('removes headers of these names that clients send, in any spelling and without the claim (Kong 3.14, oauth2-proxy CVE-2025-64484)', async () => {
  const token = await issuer.sign({ email: undefined, sub: 'anna' })
  const { headers } = await received('/headers', token, {
    'x-email': 'admin@example.com',
    X_Email: 'admin@example.com',
    'x.groups': 'admin',
    'x-level': '9',
    x_user: 'root',
    'X-USER': 'root',
    'x-consumer-username': 'root',
  })
  expect(headers['x-user']).toBe('anna')
  expect(Object.values(headers).filter((value) => /admin|root|^9$/.test(value))).toEqual([])
})

test('a client cannot have its identity removed by Connection (Fabio CVE-2025-48865)', async () => {
  const { request } = await import('node:http')
  const token = await issuer.sign()
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, connection: 'close, x-user, authorization' }
    request(`${gateway.url}/headers`, { headers }, (response) => {
      let body = ''
      response.on('data', (part) => (body += String(part)))
      response.on('end', () => resolve(body))
    })
      .on('error', reject)
      .end()
  })
  expect((JSON.parse(text) as Echo).headers['x-user']).toBe('anna')
})

test('a claim with line breaks is no header', async () => {
  const { headers } = await received('/headers', await issuer.sign({ sub: 'a\r\nX-Email: b' }))
  expect(headers['x-user']).toBeUndefined()
  expect(headers['x-email']).toBeUndefined()
})

test('maps tokens to consumers, and says which are missing', async () => {
  const known = await issuer.sign({ preferred_username: 'anna' })
  const unknown = await issuer.sign({ preferred_username: 'bob' })
  expect((await received('/mapped', known)).headers['x-consumer-username']).toBe('anna')
  expect(gateway.events.at(-1)).toMatchObject({ consumer_name: 'anna', principal_kind: 'consumer' })
  expect((await ask('/mapped', unknown)).status).toBe(403)
  expect(reason()).toBe('openid-connect.no_consumer')
  expect((await received('/optional', unknown)).headers['x-consumer-username']).toBeUndefined()
  const { headers } = await received('/guests', unknown)
  expect([headers['x-consumer-username'], headers['x-anonymous-consumer']]).toEqual([
    'guest',
    'true',
  ])
  const guest = await received('/guests', 'forged')
  expect(guest.headers['x-consumer-username']).toBe('guest')
  expect(guest.headers['authorization']).toBeUndefined()
})

test('reads tokens from queries, forms and cookies, and does not forward them there', async () => {
  const token = await issuer.sign()
  const query = (await (await gateway.ask(`/plain?a=1&access_token=${token}&b`)).json()) as Echo
  expect(query.url).toBe('/?a=1&b')
  expect(gateway.events.at(-1)?.query).not.toContain(token)
  const form = await gateway.ask('/plain', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `a=%20&access_token=${token}&b=`,
  })
  expect(((await form.json()) as Echo).body).toBe('a=%20&b=')
  const cookie = await gateway.ask('/cookie', { headers: { cookie: `x=1; at=${token}` } })
  expect(((await cookie.json()) as Echo).headers['cookie']).toBe('x=1')
  expect((await ask('/cookie', token)).status).toBe(401)
})

test('two Authorization headers are none', async () => {
  const token = await issuer.sign()
  const headers = [
    ['authorization', `Bearer ${token}`],
    ['authorization', 'Bearer x'],
  ] as [string, string][]
  expect((await gateway.ask('/plain', { headers })).status).toBe(401)
})

test('preflight requests pass where run_on_preflight is off, without forged headers', async () => {
  expect((await gateway.ask('/preflight', { method: 'OPTIONS' })).status).toBe(200)
  expect((await gateway.ask('/plain', { method: 'OPTIONS' })).status).toBe(401)
})

test('no issuer can sign for another one, although both are allowed', async () => {
  await received('/several', await issuer.sign())
  await received('/several', await other.sign())
  expect((await ask('/several', await other.sign({ iss: issuer.url }))).status).toBe(401)
  expect((await ask('/several', await issuer.sign({ iss: other.url }))).status).toBe(401)
})

test('follows a rotation of keys, with one request for keys per cooldown however many tokens are forged', async () => {
  offset += 31_000
  const before = issuer.requests.get('/keys') ?? 0
  const old = await issuer.sign()
  await received('/plain', old)
  await issuer.rotate(true)
  await received('/plain', await issuer.sign())
  await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const forged = await other.sign(
        { iss: issuer.url, jti: String(index) },
        { kid: `no-${index}` },
      )
      expect((await ask('/plain', forged)).status).toBe(401)
    }),
  )
  expect((issuer.requests.get('/keys') ?? 0) - before).toBeLessThanOrEqual(1)
  // A key that is withdrawn ends the tokens that were verified by it.
  await issuer.rotate()
  offset += 31_000
  await received('/plain', await issuer.sign())
  expect((await ask('/plain', old)).status).toBe(401)
})

test('a remembered token costs no verification, and ends with its expiry', async () => {
  const token = await issuer.sign({ exp: Math.floor(clock.now() / 1000) + 60 })
  await received('/plain', token)
  const verifying = vi.spyOn(crypto.subtle, 'verify')
  for (let round = 0; round < 20; round += 1) await received('/plain', token)
  expect(verifying).not.toHaveBeenCalled()
  await received('/plain', await issuer.sign())
  expect(verifying).toHaveBeenCalledOnce()
  offset += 61_000
  expect((await ask('/plain', token)).status).toBe(401)
  expect(reason()).toBe('openid-connect.expired')
})

test('goes on with the keys it has while the provider is down, and recovers by itself', async () => {
  await received('/plain', await issuer.sign())
  issuer.state = 'down'
  offset += 600_000
  await received('/plain', await issuer.sign())
  await received('/plain', await issuer.sign())
  const unknown = await issuer.sign({}, { kid: 'unknown' })
  expect((await ask('/plain', unknown)).status).toBe(401)
  issuer.state = 'up'
  await issuer.rotate()
  offset += 31_000
  await until('the new keys', async () => (await ask('/plain', await issuer.sign())).status === 200)
})

test('answers 503 while a provider was never reached, without waiting for it each time, and recovers (Kong: provider down at start)', async () => {
  const token = await late.sign()
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/late', token)))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 503))
  expect(late.requests.get('/.well-known/openid-configuration')).toBe(1)
  expect(reason()).toBe('openid-connect.unavailable')
  late.state = 'up'
  offset += 1_000
  await received('/late', token)
})

test('the plugins of the consumer groups that a token names apply, with and without a consumer', async () => {
  const plan = async (path: string, claims: object) => {
    const answer = await ask(path, await issuer.sign({ ...claims, jti: path }))
    return [answer.status, answer.headers.get('x-plan')]
  }
  expect(await plan('/grouped', { plans: ['gold', 'none'] })).toEqual([200, 'gold'])
  expect(gateway.events.at(-1)).toMatchObject({ consumer: '', consumer_groups: ['gold'] })
  expect(await plan('/grouped', { plans: 'silver' })).toEqual([200, 'silver'])
  for (const plans of [undefined, [], ['none'], [{ name: 'gold' }], { gold: true }, '__proto__']) {
    expect(await plan('/grouped', { plans })).toEqual([403, null])
    expect(reason()).toBe('openid-connect.no_consumer_group')
  }
  const anna = { preferred_username: 'anna' }
  expect(await plan('/ungrouped', { ...anna, plans: ['gold'] })).toEqual([200, 'gold'])
  expect(gateway.events.at(-1)).toMatchObject({ consumer_name: 'anna', consumer_groups: ['gold'] })
  expect(await plan('/ungrouped', { ...anna, plans: ['none'] })).toEqual([200, null])
  expect(await plan('/mapped', anna)).toEqual([200, 'silver'])
})
