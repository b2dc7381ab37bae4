import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openValueTable, type ValueTable } from '../../src/cluster/value-table.ts'
import type { RedisAddress } from '../../src/proxy/plugin.ts'
import type { Event } from '../../src/schema/event.ts'
import { openBrowser, type TestBrowser } from './open-browser.ts'
import { openGateway, type TestGateway } from './open-gateway.ts'
import { jwtTokens, startProvider, type TestProvider } from './start-provider.ts'
import { echo } from './start-upstream.ts'

/** Gateways that are the workers of one node, or nodes with one Redis, in front of a provider. */
export type SessionGateways = {
  readonly provider: TestProvider
  readonly gateways: readonly TestGateway[]
  /** A request to one of them. */
  ask(this: void, gateway: number, path: string, init?: RequestInit): Promise<Response>
  /** The event of the last request to one of them. */
  lastEvent(this: void, gateway: number): Event | undefined
  /** A browser in which a person has signed in. */
  signIn(this: void, person: string, path?: string): Promise<TestBrowser>
  /** The cookies of a browser, as a header. */
  readonly cookiesOf: (browser: TestBrowser) => string
  /** Number of token requests. */
  tokenRequests(this: void): number
  stop(this: void): Promise<void>
}

export type SessionGatewayOptions = {
  /** Storage of sessions; cookies when absent. */
  readonly redis?: RedisAddress
  /** Configuration of the plugin, by the name of its route. */
  readonly routes?: Readonly<Record<string, object>>
  readonly count?: number
  /** Further groups of every person, which may change. */
  readonly groups?: () => readonly string[]
  /** Instead of a table of their own. */
  readonly values?: ValueTable
}

const gatewayClient = { client_id: 'gateway', client_secret: 'the-secret-of-the-gateway' }

/** Access tokens last for 600 seconds. */
export async function openSessionGateways({
  redis,
  routes = {},
  count = 3,
  groups = () => [],
  values = openValueTable({ now: () => Date.now() }),
}: SessionGatewayOptions): Promise<SessionGateways> {
  const provider = await startProvider()
  const server = createServer((request, response) => void echo(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const stops: (() => unknown)[] = [provider.stop, () => server.close()]
  const base = {
    issuer: provider.url,
    auth_methods: ['session', 'authorization_code', 'bearer'],
    client_id: [gatewayClient.client_id],
    client_secret: [gatewayClient.client_secret],
    session_secret: 'a-secret-for-the-cookies-of-sessions',
    session_idling_timeout: 0,
    session_rolling_timeout: 0,
    upstream_headers_claims: ['sub'],
    upstream_headers_names: ['X-User'],
    logout_uri_suffix: '/logout',
    rediscovery_lifetime: 1,
    timeout: 15_000,
    ...(redis && {
      session_storage: 'redis',
      redis: {
        host: redis.host,
        port: redis.port,
        password: redis.password,
        database: redis.database,
        prefix: 'test:',
        connect_timeout: 500,
        read_timeout: 500,
      },
    }),
  }
  const all: Record<string, object> = { app: {}, ...routes }

  const gateways: TestGateway[] = []
  for (let one = 0; one < count; one += 1)
    gateways.push(
      await openGateway(
        {
          services: [
            { name: 'echo', host: '127.0.0.1', port: (server.address() as AddressInfo).port },
          ],
          routes: Object.keys(all).map((name) => ({ name, service: 'echo', paths: [`/${name}`] })),
          plugins: Object.entries(all).map(([name, config]) => ({
            name: 'openid-connect',
            route: name,
            config: { ...base, ...config },
          })),
        },
        { values, onFinished: (stop) => void stops.unshift(stop) },
      ),
    )
  const at = (index: number): TestGateway => {
    const gateway = gateways[index % gateways.length]
    if (gateway === undefined) throw new Error('there is no gateway')
    return gateway
  }
  const tokens = jwtTokens('https://api.example')
  await provider.open(
    [
      {
        ...gatewayClient,
        redirect_uris: gateways.flatMap(({ url }) =>
          Object.keys(all).map((name) => `${url}/${name}`),
        ),
        grant_types: ['authorization_code', 'refresh_token'],
        backchannel_logout_uri: `${at(0).url}/app/logout`,
        backchannel_logout_session_required: true,
      },
    ],
    {
      ...tokens,
      features: { ...tokens.features, devInteractions: { enabled: true } },
      extraTokenClaims: () => ({ groups: [...groups()] }),
    },
  )
  return {
    provider,
    gateways,
    ask: (index, path, init) => at(index).ask(path, init),
    lastEvent: (index) => at(index).events.at(-1),
    async signIn(person, path = '/app') {
      const browser = openBrowser()
      const { response } = await browser.open(`${at(0).url}${path}`, person)
      if (response.status !== 200) throw new Error(`sign-in ended with ${response.status}`)
      return browser
    },
    cookiesOf: ({ cookies }) => [...cookies].map((pair) => pair.join('=')).join('; '),
    tokenRequests: () => provider.requests.filter((one) => one === 'POST /token').length,
    async stop() {
      for (const stop of stops) await stop()
    },
  }
}
