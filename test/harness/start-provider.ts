import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider, type Configuration } from 'oidc-provider'
import { exportJWK, generateKeyPair } from 'jose'

/** A certified OpenID Connect provider in this process, on a real socket. */
export type TestProvider = {
  readonly url: string
  /** Opens it; the addresses of its client are known only now. */
  open(clients: NonNullable<Configuration['clients']>, more?: Configuration): Promise<Provider>
  /** Requests to its endpoints, by path. */
  readonly requests: string[]
  /** Changes its responses: `down` breaks connections, `slow` delays requests until it is `up` again. */
  state: 'up' | 'down' | 'slow'
  stop(this: void): Promise<void>
}

/** Every person's password is `right`. */
export async function startProvider(): Promise<TestProvider> {
  const requests: string[] = []
  let handle: ReturnType<Provider['callback']> | undefined
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${(request.url ?? '').split('?')[0]}`)
    if (state === 'down' || handle === undefined) return void request.socket.destroy()
    if (state === 'slow') return void held.push(() => void handle?.(request, response))
    return void handle(request, response)
  })
  let state: TestProvider['state'] = 'up'
  let held: (() => void)[] = []
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const test: TestProvider = {
    url,
    requests,
    get state() {
      return state
    },
    set state(next) {
      state = next
      if (next === 'slow') return
      const waiting = held
      held = []
      for (const proceed of waiting) proceed()
    },
    async open(clients, more = {}) {
      const { privateKey } = await generateKeyPair('RS256', { extractable: true })
      const key = {
        ...(await exportJWK(privateKey)),
        kid: 'provider-key',
        alg: 'RS256',
        use: 'sig',
      }
      const provider = new Provider(url, {
        clients,
        jwks: { keys: [key as never] },
        cookies: { keys: ['a-key-for-cookies'] },
        findAccount: async (_, id) => ({
          accountId: id,
          claims: async () => ({ sub: id, email: `${id}@example.com`, groups: ['staff'] }),
        }),
        claims: { openid: ['sub'], profile: ['email', 'groups'] },
        scopes: ['openid', 'profile', 'offline_access', 'read', 'write'],
        rotateRefreshToken: true,
        // By default it sends nothing to addresses of this machine.
        fetch: (input: string | URL | Request, options: { dispatcher?: unknown } = {}) => {
          const { dispatcher: _guarding, ...others } = options
          return fetch(input, others)
        },
        issueRefreshToken: async () => true,
        ...more,
        features: {
          clientCredentials: { enabled: true },
          introspection: { enabled: true, allowedPolicy: async () => true },
          revocation: { enabled: true },
          backchannelLogout: { enabled: true },
          devInteractions: { enabled: more.features?.devInteractions?.enabled ?? false },
          ...more.features,
        } as NonNullable<Configuration['features']>,
      })
      registerPassword(provider)
      handle = provider.callback()
      return provider
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return test
}

/** RFC 6749 section 4.3, which the provider does not have itself. */
function registerPassword(provider: Provider): void {
  provider.registerGrantType(
    'password',
    async (context) => {
      const { params, client } = context.oidc
      const { username, password, scope } = params as Record<string, string>
      if (password !== 'right') {
        context.status = 400
        context.body = { error: 'invalid_grant', error_description: 'wrong password' }
        return
      }
      const grant = new provider.Grant({
        accountId: username as string,
        clientId: client?.clientId as string,
      })
      grant.addOIDCScope(scope ?? 'openid')
      const token = new provider.AccessToken({
        accountId: username as string,
        client: client as never,
        grantId: await grant.save(),
        gty: 'password',
        scope: scope ?? 'openid',
      } as never)
      context.body = {
        access_token: await token.save(),
        expires_in: token.expiration,
        token_type: 'Bearer',
        scope,
      }
    },
    ['username', 'password', 'scope'],
    [],
  )
}

/** Access tokens as JWTs (RFC 9068) for one resource. */
export const jwtTokens = (audience: string, seconds = 600): Configuration => ({
  features: {
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'openid profile offline_access read write',
        audience,
        accessTokenTTL: seconds,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
})
