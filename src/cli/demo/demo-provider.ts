import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'
import { demoAudience, demoPeople, type DemoClient } from './demo-people.ts'

const preferredPort = 8009

/** Starts a provider that knows the people of the demo. Its clients are known later, because they listen on free ports in tests. */
const server = createServer((request, response) => void handle(request, response))
const port = await listen(preferredPort).catch(() => listen(0))
const issuer = `http://127.0.0.1:${port}`
let provider: Provider | undefined
process.stdout.write(`${JSON.stringify({ issuer })}\n`)
createInterface(process.stdin).on('line', (line) => {
  void open(JSON.parse(line) as readonly DemoClient[]).then(() =>
    process.stdout.write(`${JSON.stringify({ ready: true })}\n`),
  )
})
// Standard input closes when the parent process ends.
process.stdin.once('close', () => process.exit(0))

function listen(at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

async function open(clients: readonly DemoClient[]): Promise<void> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'demo' }
  const groupsOf = (id: string) => demoPeople.find(({ name }) => name === id)?.groups ?? []
  provider = new Provider(issuer, {
    clients: clients.map((client) => ({
      ...client,
      token_endpoint_auth_method: 'client_secret_basic',
    })),
    jwks: { keys: [key as never] },
    cookies: { keys: ['of-the-demo'] },
    conformIdTokenClaims: false,
    claims: {
      openid: ['sub', 'sid'],
      profile: ['preferred_username', 'groups'],
      email: ['email', 'email_verified'],
    },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({
        sub: id,
        preferred_username: id,
        email: `${id}@example.com`,
        email_verified: true,
        groups: [...groupsOf(id)],
      }),
    }),
    extraTokenClaims: (_context, token) =>
      'accountId' in token ? { groups: [...groupsOf(String(token.accountId))] } : undefined,
    // The clients are Weir's own and need no consent.
    async loadExistingGrant({ oidc }) {
      const [clientId, accountId] = [oidc.client?.clientId, oidc.session?.accountId]
      const known = clientId === undefined ? undefined : oidc.session?.grantIdFor(clientId)
      if (known !== undefined) return oidc.provider.Grant.find(known)
      const grant = new oidc.provider.Grant({
        clientId: clientId ?? '',
        accountId: accountId ?? '',
      })
      grant.addOIDCScope('openid profile email offline_access')
      grant.addResourceScope(demoAudience, 'openid profile email')
      await grant.save()
      return grant
    },
    fetch: (url, options) => fetch(url, options),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => demoAudience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid profile email',
          audience: demoAudience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 3600,
        }),
      },
    },
  })
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (provider === undefined) return void response.writeHead(503).end()
    if (request.url?.startsWith('/interaction/') !== true)
      return await provider.callback()(request, response)
    await provider.interactionDetails(request, response)
    if (request.method !== 'POST') return sendForm(response, 200, '')
    const form = new URLSearchParams(await readBody(request))
    const name = form.get('name') ?? ''
    const person = demoPeople.find((one) => one.name === name)
    if (person === undefined || person.password !== form.get('password'))
      return sendForm(response, 401, 'Wrong name or password.')
    await provider.interactionFinished(request, response, { login: { accountId: name } })
  } catch {
    // The interaction is over, or the provider has started again since.
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' })
    response.end('Start again from the page that you came from.\n')
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request) {
    text += String(part)
    if (text.length > 10_000) throw new Error('too large')
  }
  return text
}

function sendForm(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo identity provider</title>
<style>
  :root { color-scheme: light dark; font: 15px system-ui, sans-serif }
  body { max-width: 320px; margin: 15vh auto; padding: 0 20px }
  input, button { display: block; width: 100%; box-sizing: border-box; margin: 4px 0 14px; padding: 9px; font: inherit }
  [role=alert] { color: #c92a2a }
</style>
<h1>Demo identity provider</h1>
${error === '' ? '' : `<p role="alert">${error}</p>`}
<form method="post">
  <label>Name <input name="name" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>
</html>
`)
}
