import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openBrowser } from '../harness/open-browser.ts'
import { jwtTokens, startProvider } from '../harness/start-provider.ts'
import { echo } from '../harness/start-upstream.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

/** The seconds that the first access token lasts; a refreshed one lasts longer. */
const firstLifetime = 4

test('the workers of a node refresh an expired session once, and end it together', async () => {
  const provider = await startProvider()
  onTestFinished(provider.stop)
  const server = createServer((request, response) => void echo(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const client = { client_id: 'gateway', client_secret: 'the-secret-of-the-gateway' }
  const weir = await startWeir({
    env: { WEIR_WORKERS: '3', WEIR_VAULT_ENV_PREFIX: 'OIDC_', OIDC_CLIENT: client.client_secret },
  })
  const { port } = server.address() as AddressInfo
  await weir.admin('PUT', '/services/echo', { host: '127.0.0.1', port })
  await weir.admin('PUT', '/services/echo/routes/app', { paths: ['/app'] })
  const tokens = [
    jwtTokens('https://api.example', firstLifetime),
    jwtTokens('https://api.example', 600),
  ].map(({ features }) => features?.resourceIndicators?.getResourceServerInfo)
  let issued = 0
  await provider.open(
    [
      {
        ...client,
        redirect_uris: [`${weir.proxyUrl}/app`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    {
      features: {
        ...jwtTokens('https://api.example').features,
        devInteractions: { enabled: true },
        resourceIndicators: {
          ...jwtTokens('https://api.example').features?.resourceIndicators,
          enabled: true,
          getResourceServerInfo: (...all) => tokens[Math.min(1, issued)]!(...all),
        },
      },
    },
  )
  const created = await weir.admin('POST', '/routes/app/plugins', {
    name: 'openid-connect',
    config: {
      issuer: provider.url,
      auth_methods: ['session', 'authorization_code'],
      client_id: [client.client_id],
      client_secret: ['{vault://env/client}'],
      session_secret: 'a-secret-for-the-cookies-of-sessions',
      logout_uri_suffix: '/logout',
    },
  })
  expect(created.status).toBe(201)
  await weir.untilApplied()
  const browser = openBrowser()
  expect((await browser.open(`${weir.proxyUrl}/app`, 'anna')).response.status).toBe(200)
  issued = 1
  const signedInAt = Date.now()
  const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ')
  const ask = async () => {
    const headers = { cookie, connection: 'close' }
    return (await fetch(`${weir.proxyUrl}/app`, { headers })).status
  }
  const count = () => provider.requests.filter((one) => one === 'POST /token').length
  expect(count()).toBe(1)
  await until('the token to expire', () => Date.now() > signedInAt + firstLifetime * 1000)
  const answers = await Promise.all(Array.from({ length: 200 }, ask))
  expect(new Set(answers)).toEqual(new Set([200]))
  expect(count()).toBe(2)
  await browser.request(`${weir.proxyUrl}/app/logout`, { method: 'POST' })
  await until('every worker to end the session', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, ask))
    return all.every((status) => status === 401)
  })
})
