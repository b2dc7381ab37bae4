import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser } from '../harness/open-browser.ts'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { jwtTokens, startProvider, type TestProvider } from '../harness/start-provider.ts'
import { echo } from '../harness/start-upstream.ts'

let provider: TestProvider
let gateway: TestGateway
const stops: (() => unknown)[] = []

/** One plugin that is two clients of a provider. */
beforeAll(async () => {
  provider = await startProvider()
  stops.push(provider.stop)
  const server = createServer((request, response) => void echo(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  stops.push(() => server.close())
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port: (server.address() as AddressInfo).port }],
      routes: [{ name: 'app', service: 'echo', paths: ['/app'] }],
      plugins: [
        {
          name: 'openid-connect',
          route: 'app',
          config: {
            issuer: provider.url,
            auth_methods: ['session', 'authorization_code', 'bearer'],
            client_id: ['shop', 'office'],
            client_secret: ['the-secret-of-the-shop', 'the-secret-of-the-office'],
            client_arg: 'app',
            session_secret: 'a-secret-for-the-cookies-of-sessions',
            logout_uri_suffix: '/logout',
            upstream_headers_claims: ['sub', 'client_id'],
            upstream_headers_names: ['X-User', 'X-Client'],
          },
        },
      ],
    },
    { onFinished: (stop) => void stops.unshift(stop) },
  )
  const tokens = jwtTokens('https://api.example')
  await provider.open(
    ['shop', 'office'].map((name) => ({
      client_id: name,
      client_secret: `the-secret-of-the-${name}`,
      redirect_uris: [`${gateway.url}/app`],
      grant_types: ['authorization_code', 'refresh_token'],
    })),
    { ...tokens, features: { ...tokens.features, devInteractions: { enabled: true } } },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const clientOf = async (response: Response) => {
  const { headers } = (await response.json()) as { headers: Record<string, string> }
  return headers['x-client']
}

test('a request chooses the client by client_arg, and its browser keeps it', async () => {
  const shop = openBrowser()
  expect(await clientOf((await shop.open(`${gateway.url}/app`, 'anna')).response)).toBe('shop')
  const office = openBrowser()
  const opened = await office.open(`${gateway.url}/app?app=office`, 'anna')
  expect(opened.url).toBe(`${gateway.url}/app?app=office`)
  expect(await clientOf(opened.response)).toBe('office')
  expect(await clientOf(await office.request(`${gateway.url}/app`))).toBe('office')
  const named = { headers: { app: 'shop' } }
  const other = await office.request(`${gateway.url}/app`, named)
  expect(new URL(other.headers.get('location') ?? '').searchParams.get('client_id')).toBe('shop')
  const unknown = await openBrowser().request(`${gateway.url}/app?app=__proto__`)
  expect(new URL(unknown.headers.get('location') ?? '').searchParams.get('client_id')).toBe('shop')
})

test('the session of one client is none for another, and is signed out as its own', async () => {
  const office = openBrowser()
  await office.open(`${gateway.url}/app?app=office`, 'bob')
  const value = office.cookies.get('session_client2') ?? ''
  expect(value).not.toBe('')
  const moved = await gateway.ask('/app', { headers: { cookie: `session=${value}` } })
  expect(moved.status).toBe(401)
  const away = await office.request(`${gateway.url}/app/logout`, { method: 'POST' })
  const hint = new URL(away.headers.get('location') ?? '').searchParams.get('id_token_hint') ?? ''
  const claims = Buffer.from(hint.split('.')[1] ?? '', 'base64url').toString()
  expect((JSON.parse(claims) as { aud: string }).aud).toBe('office')
  expect(office.cookies.has('session_client2')).toBe(false)
})
