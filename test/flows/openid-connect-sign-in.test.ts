import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser } from '../harness/open-browser.ts'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { jwtTokens, startProvider, type TestProvider } from '../harness/start-provider.ts'
import { echo, type Echo } from '../harness/start-upstream.ts'

let provider: TestProvider
let gateway: TestGateway
let offset = 0
const clock = { now: () => Date.now() + offset }
const stops: (() => unknown)[] = []

beforeAll(async () => {
  provider = await startProvider()
  stops.push(provider.stop)
  const server = createServer((request, response) => void echo(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  stops.push(() => server.close())
  const base = {
    issuer: provider.url,
    auth_methods: ['session', 'authorization_code', 'bearer'],
    client_id: ['gateway'],
    client_secret: ['the-secret-of-the-gateway'],
    session_secret: 'a-secret-for-the-cookies-of-sessions',
    upstream_headers_claims: ['sub'],
    upstream_headers_names: ['X-User'],
  }
  const routes: Record<string, object> = {
    app: {
      ...base,
      logout_uri_suffix: '/logout',
      logout_methods: ['GET', 'POST'],
      logout_redirect_uri: ['http://127.0.0.1:3999/bye'],
    },
    chefs: { ...base, groups_required: ['chef'] },
    foreign: { ...base, session_audience: 'other' },
  }
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port: (server.address() as AddressInfo).port }],
      routes: [
        ...Object.keys(routes).map((name) => ({ name, service: 'echo', paths: [`/${name}`] })),
        { name: 'anywhere', service: 'echo', paths: ['/'] },
      ],
      plugins: Object.entries({ ...routes, anywhere: base }).map(([name, config]) => ({
        name: 'openid-connect',
        route: name,
        config,
      })),
    },
    { clock, onFinished: (stop) => void stops.unshift(stop) },
  )
  const paths = ['/app', '/app/deep/page', '/chefs', '/foreign', '//evil.example/x']
  await provider.open(
    [
      {
        client_id: 'gateway',
        client_secret: 'the-secret-of-the-gateway',
        redirect_uris: [
          ...paths.map((path) => gateway.url + path),
          ...Array.from({ length: 10 }, (_, tab) => `${gateway.url}/app/tab-${tab}`),
        ],
        post_logout_redirect_uris: ['http://127.0.0.1:3999/bye'],
      },
    ],
    {
      ...jwtTokens('https://api.example'),
      features: {
        ...jwtTokens('https://api.example').features,
        devInteractions: { enabled: true },
      },
      pkce: { required: () => true },
    },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const reason = () => gateway.events.at(-1)?.reason

test('a person signs in at the provider and arrives at the page, with a token for the service and without cookies of the gateway', async () => {
  const browser = openBrowser()
  const { url, response } = await browser.open(`${gateway.url}/app/deep/page?a=1&b=%20`, 'anna')
  expect(url).toBe(`${gateway.url}/app/deep/page?a=1&b=%20`)
  const { headers } = (await response.json()) as Echo
  expect(headers['x-user']).toBe('anna')
  expect(headers['authorization']).toMatch(/^Bearer ey/)
  expect(headers['cookie'] ?? '').not.toMatch(/(?:^|; )(?:session|authorization)/)
  expect(gateway.events.at(-1)).toMatchObject({ subject: 'anna', principal_kind: 'user' })
  // No sign-in is left over, and the session goes on.
  expect([...browser.cookies.keys()].filter((name) => name.startsWith('authorization'))).toEqual([])
  expect((await browser.request(`${gateway.url}/app`)).status).toBe(200)
  const secrets = [browser.cookies.get('session') ?? '', headers['authorization'] ?? '']
  for (const secret of secrets) expect(JSON.stringify(gateway.events)).not.toContain(secret)
})

test('cookies are HttpOnly, SameSite and encrypted; the request has PKCE, state and nonce', async () => {
  const response = await openBrowser().request(`${gateway.url}/app`)
  const [cookie = ''] = response.headers.getSetCookie()
  expect(cookie).toMatch(
    /^authorization_[\w-]+=[\w-]+; Path=\/; Max-Age=600; SameSite=Lax; HttpOnly$/,
  )
  const url = new URL(response.headers.get('location') ?? '')
  expect(url.searchParams.get('code_challenge_method')).toBe('S256')
  expect(url.searchParams.get('nonce')).toMatch(/^[\w-]{43}$/)
  expect(cookie).not.toContain(url.searchParams.get('nonce'))
  expect([response.status, reason()]).toEqual([302, 'openid-connect.sign_in_needed'])
})

test('scripts get 401 instead of a redirect (oauth2-proxy #1522, Envoy #30102)', async () => {
  const cases = [
    { accept: 'application/json' },
    { accept: 'text/html', 'sec-fetch-mode': 'cors' },
    { accept: 'text/html', 'x-requested-with': 'XMLHttpRequest' },
  ]
  for (const headers of cases) {
    const answer = await openBrowser().request(`${gateway.url}/app`, { headers })
    expect([answer.status, reason()]).toEqual([401, 'openid-connect.no_credentials'])
  }
  const post = await openBrowser().request(`${gateway.url}/app`, { method: 'POST' })
  expect(post.status).toBe(401)
})

test('ten sign-ins at once in one browser all end at their pages (oauth2-proxy #611, kong-oidc #112)', async () => {
  const browser = openBrowser()
  await browser.open(`${gateway.url}/app`, 'anna')
  browser.cookies.delete('session')
  const tabs = Array.from({ length: 10 }, (_, tab) => `${gateway.url}/app/tab-${tab}`)
  const started = []
  for (const tab of tabs) started.push(await browser.request(tab))
  for (const [index, response] of started.entries()) {
    const { url } = await browser.open(response.headers.get('location') ?? '', 'anna')
    expect(url).toBe(tabs[index])
  }
})

test('sign-ins that are begun and not ended are bounded (oauth2-proxy #2163)', async () => {
  const browser = openBrowser()
  for (let round = 0; round < 20; round += 1) await browser.request(`${gateway.url}/app`)
  expect(browser.cookies.size).toBeLessThanOrEqual(12)
})

test('an answer of the provider counts once, in the browser that began, and only with its state', async () => {
  const browser = openBrowser()
  await browser.open(`${gateway.url}/app`, 'anna')
  browser.cookies.delete('session')
  const begun = await browser.request(`${gateway.url}/app`)
  const back = await browser.request(begun.headers.get('location') ?? '')
  const answer = back.headers.get('location') ?? ''
  expect(answer).toContain('code=')
  // Another browser does not have the cookie, and must not be sent back and forth.
  expect((await openBrowser().request(answer)).status).toBe(401)
  expect(reason()).toBe('openid-connect.sign_in')
  const wrong = answer.replace(/iss=[^&]+/, 'iss=https%3A%2F%2Fevil.example')
  const cookies = new Map(browser.cookies)
  expect((await browser.request(wrong)).status).toBe(401)
  expect(reason()).toBe('openid-connect.sign_in')
  for (const [name, value] of cookies) browser.cookies.set(name, value)
  expect((await browser.request(answer)).status).toBe(302)
  for (const [name, value] of cookies) browser.cookies.set(name, value)
  // The code was used.
  expect((await browser.request(answer)).status).toBe(401)
})

test('a person without the claim is forbidden after the sign-in', async () => {
  const { response } = await openBrowser().open(`${gateway.url}/chefs`, 'bob')
  expect([response.status, reason()]).toEqual([403, 'openid-connect.groups'])
  expect(gateway.events.at(-1)?.subject).toBe('bob')
})

test('paths that name another host lead back to this one (oauth2-proxy GHSA-qqxw)', async () => {
  for (const path of ['//evil.example/x', '/\\evil.example/x', '/%2fevil.example/x']) {
    const begun = await openBrowser().request(`${gateway.url}${path}`)
    expect([302, 400]).toContain(begun.status)
    expect(new URL(begun.headers.get('location') ?? provider.url).origin).toBe(provider.url)
  }
  const { url } = await openBrowser().open(`${gateway.url}//evil.example/x`, 'anna')
  expect(url).toBe(`${gateway.url}/evil.example/x`)
})

test('cookies that were changed, moved or made for others are no session (Envoy CVE-2026-47775)', async () => {
  const browser = openBrowser()
  await browser.open(`${gateway.url}/app`, 'anna')
  const value = browser.cookies.get('session') ?? ''
  const ask = async (path: string, cookie: string) =>
    (await gateway.ask(path, { headers: { cookie } })).status
  expect(await ask('/app', `session=${value}`)).toBe(200)
  expect(await ask('/foreign', `session=${value}`)).toBe(401)
  for (let at = 0; at < value.length; at += Math.ceil(value.length / 40)) {
    const other = value[at] === 'A' ? 'B' : 'A'
    expect(await ask('/app', `session=${value.slice(0, at)}${other}${value.slice(at + 1)}`)).toBe(
      401,
    )
  }
  expect(await ask('/app', `session=${value.slice(0, -20)}`)).toBe(401)
  const begun = await openBrowser().request(`${gateway.url}/app`)
  const [pair = ''] = begun.headers.getSetCookie()
  const signIn = pair.split(';')[0]?.split('=')[1] ?? ''
  expect(await ask('/app', `session=${signIn}`)).toBe(401)
})

test('a session ends with its timeouts, and by signing out here and at the provider', async () => {
  const browser = openBrowser()
  await browser.open(`${gateway.url}/app`, 'anna')
  const away = await browser.request(`${gateway.url}/app/logout`)
  const target = new URL(away.headers.get('location') ?? '')
  expect(target.pathname).toBe('/session/end')
  expect(target.searchParams.get('post_logout_redirect_uri')).toBe('http://127.0.0.1:3999/bye')
  expect(target.searchParams.get('id_token_hint')).toMatch(/^ey/)
  expect(browser.cookies.has('session')).toBe(false)
  const second = openBrowser()
  await second.open(`${gateway.url}/app`, 'anna')
  offset = 901_000
  const over = await second.request(`${gateway.url}/app`)
  offset = 0
  expect(over.headers.get('location')).toContain('/auth?')
})
