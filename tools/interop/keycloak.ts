import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openBrowser, type TestBrowser } from '../../test/harness/open-browser.ts'
import { echo, type Echo } from '../../test/harness/start-upstream.ts'
import { until } from '../../test/harness/until.ts'
import type { Subject, Suite } from './run-suite.ts'
import { keycloakVersion, startKeycloak, unpackKeycloak, type Keycloak } from './start-keycloak.ts'

const realm = 'weir'
const secret = 'the-secret-of-the-gateway'
const password = 'the-password-of-anna'
const client = { client_id: 'gateway', client_secret: secret }

/** Seconds that access tokens last. */
const tokenLifetime = 8

/** OpenID Connect against a Keycloak of Maven Central, which is unpacked outside of the repository. */
export const keycloak: Suite = {
  name: 'keycloak',
  programs: [
    { variable: 'WEIR_MAVEN', names: ['mvn'] },
    { variable: 'WEIR_JAVA', names: ['java'] },
  ],
  async run(subject, [maven = '']) {
    const folder = await unpackKeycloak(maven)
    const server = await startKeycloak(folder)
    const service = createServer((request, response) => void echo(request, response))
    await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve))
    try {
      const proxyUrl = `http://127.0.0.1:${subject.proxyPort}`
      await configureRealm(server, proxyUrl)
      await configureGateway(subject, server, (service.address() as AddressInfo).port)
      return await runChecks({ server, proxyUrl })
    } finally {
      service.close()
      await server.stop()
    }
  },
}

async function configureRealm({ admin: call }: Keycloak, proxyUrl: string): Promise<void> {
  await call('POST', '/realms', {
    realm,
    enabled: true,
    sslRequired: 'none',
    accessTokenLifespan: tokenLifetime,
    // A refresh token that is used twice ends the session.
    revokeRefreshToken: true,
    refreshTokenMaxReuse: 0,
    users: [
      {
        username: 'anna',
        enabled: true,
        email: 'anna@example.com',
        emailVerified: true,
        firstName: 'Anna',
        lastName: 'Example',
        credentials: [{ type: 'password', value: password, temporary: false }],
        realmRoles: ['chef'],
      },
    ],
    roles: { realm: [{ name: 'chef' }] },
    clients: [
      {
        clientId: client.client_id,
        secret,
        redirectUris: [`${proxyUrl}/*`],
        directAccessGrantsEnabled: true,
        serviceAccountsEnabled: true,
        attributes: {
          'backchannel.logout.url': `${proxyUrl}/app/logout`,
          'backchannel.logout.session.required': 'true',
          'post.logout.redirect.uris': '+',
        },
      },
    ],
  })
}

async function configureGateway(
  { configure }: Subject,
  { url }: Keycloak,
  port: number,
): Promise<void> {
  await configure('PUT', '/services/keycloak-echo', { host: '127.0.0.1', port })
  const base = {
    issuer: `${url}/realms/${realm}`,
    client_id: [client.client_id],
    client_secret: [secret],
    timeout: 2_000,
    rediscovery_lifetime: 1,
    upstream_headers_claims: ['preferred_username'],
    upstream_headers_names: ['X-User'],
  }
  const routes: Readonly<Record<string, object>> = {
    app: {
      auth_methods: ['session', 'authorization_code'],
      session_secret: 'a-secret-for-the-cookies-of-sessions',
      logout_uri_suffix: '/logout',
      logout_methods: ['GET', 'POST'],
      roles_claim: ['realm_access', 'roles'],
      roles_required: ['chef'],
    },
    bearer: { auth_methods: ['bearer'] },
    machine: { auth_methods: ['client_credentials'] },
    people: { auth_methods: ['password'] },
    introspection: { auth_methods: ['introspection'], cache_introspection: false },
    userinfo: { auth_methods: ['userinfo'] },
  }
  for (const [name, config] of Object.entries(routes)) {
    await configure('PUT', `/services/keycloak-echo/routes/kc-${name}`, { paths: [`/${name}`] })
    await configure('POST', `/routes/kc-${name}/plugins`, {
      name: 'openid-connect',
      config: { ...base, ...config },
    })
  }
}

type Context = { readonly server: Keycloak; readonly proxyUrl: string }
type Check = (context: Context) => Promise<void>

function expectStatus(what: string, status: number, ...expected: readonly number[]): void {
  if (!expected.includes(status))
    throw new Error(`${what} answered ${status} instead of ${expected.join(' or ')}`)
}

/** A request of a script. */
const ask = (url: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(url, { headers, redirect: 'manual' })
const basic = (name: string, word: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${word}`).toString('base64')}`,
})
const cookiesOf = ({ cookies }: TestBrowser): string =>
  [...cookies].map((pair) => pair.join('=')).join('; ')

/** Follows redirects, and fills the form of Keycloak in. */
async function openPage(browser: TestBrowser, start: string, word: string) {
  let url = start
  let response = await browser.request(url)
  let hasTried = false
  for (let step = 0; step < 20; step += 1) {
    const location = response.headers.get('location')
    if (location !== null) {
      url = new URL(location, url).href
      response = await browser.request(url)
      continue
    }
    const page = await response.clone().text()
    const form = /id="kc-form-login"[^>]*action="([^"]+)"/.exec(page)?.[1]
    if (form === undefined || hasTried) return { url, response, page }
    hasTried = true
    url = form.replaceAll('&amp;', '&')
    const body = new URLSearchParams({ username: 'anna', password: word, credentialId: '' })
    response = await browser.request(url, { method: 'POST', body })
  }
  throw new Error(`too many redirects at ${url}`)
}

async function signIn(proxyUrl: string): Promise<TestBrowser> {
  const browser = openBrowser()
  const { url, response } = await openPage(browser, `${proxyUrl}/app`, password)
  expectStatus(`the page ${url}`, response.status, 200)
  const { headers } = (await response.json()) as Echo
  if (headers['x-user'] !== 'anna') throw new Error(`the service received ${headers['x-user']}`)
  return browser
}

async function tokenOf({ url }: Keycloak): Promise<string> {
  const answer = await fetch(`${url}/realms/${realm}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      scope: 'openid',
      username: 'anna',
      password,
      ...client,
    }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

const expire = async (): Promise<void> => {
  const end = Date.now() + tokenLifetime * 1000
  await until('tokens to expire', () => Date.now() > end)
}

async function untilSignedOut(proxyUrl: string, cookie: string): Promise<void> {
  await until('the session to end', async () => {
    const { status } = await ask(`${proxyUrl}/app`, { cookie })
    return status === 401
  })
}

const checks: Readonly<Record<string, Check>> = {
  'authorization code with PKCE': async ({ proxyUrl }) => void (await signIn(proxyUrl)),
  'a wrong password stays at Keycloak': async ({ proxyUrl, server }) => {
    const { url, page } = await openPage(openBrowser(), `${proxyUrl}/app`, 'wrong')
    if (!url.startsWith(server.url) || !page.includes('Invalid username or password'))
      throw new Error(`ended at ${url}`)
  },
  'client credentials': async ({ proxyUrl }) => {
    const right = await ask(`${proxyUrl}/machine`, basic('gateway', secret))
    expectStatus('the right secret', right.status, 200)
    const wrong = await ask(`${proxyUrl}/machine`, basic('gateway', 'wrong'))
    expectStatus('a wrong secret', wrong.status, 401)
  },
  password: async ({ proxyUrl }) => {
    const right = await ask(`${proxyUrl}/people`, basic('anna', password))
    expectStatus('the right password', right.status, 200)
    const wrong = await ask(`${proxyUrl}/people`, basic('anna', 'wrong'))
    expectStatus('a wrong password', wrong.status, 401)
  },
  'bearer, introspection, userinfo': async ({ proxyUrl, server }) => {
    const authorization = `Bearer ${await tokenOf(server)}`
    for (const route of ['bearer', 'introspection', 'userinfo']) {
      const { status } = await ask(`${proxyUrl}/${route}`, { authorization })
      expectStatus(route, status, 200)
    }
  },
  'refresh with rotation, 200 requests at once': async ({ proxyUrl }) => {
    const cookie = cookiesOf(await signIn(proxyUrl))
    for (let round = 0; round < 2; round += 1) {
      await expire()
      const asked = Array.from({ length: 200 }, () => ask(`${proxyUrl}/app`, { cookie }))
      const statuses = new Set((await Promise.all(asked)).map(({ status }) => status))
      if ([...statuses].join() !== '200') throw new Error(`answered ${[...statuses].join()}`)
    }
  },
  'sign-out here ends the session there': async ({ proxyUrl, server }) => {
    const browser = await signIn(proxyUrl)
    const cookie = cookiesOf(browser)
    const { url, response } = await openPage(browser, `${proxyUrl}/app/logout`, '')
    expectStatus(`the page ${url}`, response.status, 200)
    await untilSignedOut(proxyUrl, cookie)
    const again = await browser.request(`${proxyUrl}/app`)
    const page = await browser.request(again.headers.get('location') ?? '')
    if (!(await page.text()).includes('kc-form-login'))
      throw new Error(`${server.url} asked for no password`)
  },
  'back-channel logout of a person': async ({ proxyUrl, server }) => {
    const cookie = cookiesOf(await signIn(proxyUrl))
    expectStatus('the session', (await ask(`${proxyUrl}/app`, { cookie })).status, 200)
    const found = await server.admin('GET', `/realms/${realm}/users?username=anna`)
    const [user] = (await found.json()) as [{ id: string }]
    await server.admin('POST', `/realms/${realm}/users/${user.id}/logout`)
    await untilSignedOut(proxyUrl, cookie)
  },
  'rotation of keys in flight': async ({ proxyUrl, server }) => {
    const statuses = new Set<number>()
    let isRotated = false
    const load = async (): Promise<void> => {
      for (let after = 0; after < 10; after += isRotated ? 1 : 0) {
        const authorization = `Bearer ${await tokenOf(server)}`
        statuses.add((await ask(`${proxyUrl}/bearer`, { authorization })).status)
      }
    }
    const running = Promise.all([load(), load(), load()])
    const { id } = (await (await server.admin('GET', `/realms/${realm}`)).json()) as { id: string }
    await server.admin('POST', `/realms/${realm}/components`, {
      name: 'newer',
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: id,
      config: { priority: ['200'], enabled: ['true'], active: ['true'] },
    })
    isRotated = true
    await running
    if ([...statuses].join() !== '200') throw new Error(`answered ${[...statuses].join()}`)
  },
  'a slow Keycloak': async ({ proxyUrl, server }) => {
    const cookie = cookiesOf(await signIn(proxyUrl))
    server.signal('SIGSTOP')
    try {
      expectStatus('a valid session', (await ask(`${proxyUrl}/app`, { cookie })).status, 200)
      await expire()
      expectStatus('one that is over', (await ask(`${proxyUrl}/app`, { cookie })).status, 503)
    } finally {
      server.signal('SIGCONT')
    }
  },
  'Keycloak down and up again': async ({ proxyUrl, server }) => {
    const cookie = cookiesOf(await signIn(proxyUrl))
    const authorization = `Bearer ${await tokenOf(server)}`
    await server.stop()
    expectStatus('a valid session', (await ask(`${proxyUrl}/app`, { cookie })).status, 200)
    expectStatus('a token', (await ask(`${proxyUrl}/bearer`, { authorization })).status, 200)
    await expire()
    expectStatus('one that is over', (await ask(`${proxyUrl}/app`, { cookie })).status, 503)
    await server.start()
    await until('the session to go on', async () => {
      const { status } = await ask(`${proxyUrl}/app`, { cookie })
      if (status !== 503) expectStatus('the session', status, 200)
      return status === 200
    })
    await signIn(proxyUrl)
  },
}

async function runChecks(context: Context): Promise<readonly string[]> {
  const lines: string[] = []
  let passed = 0
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(context)
      passed += 1
      lines.push(`ok: ${name}`)
    } catch (error) {
      lines.push(`failed: ${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return [
    `${passed} of ${Object.keys(checks).length} passed with Keycloak ${keycloakVersion}`,
    ...lines,
  ]
}
