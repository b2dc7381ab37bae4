import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCookieSeal } from '../../src/identity/seal-cookies.ts'
import { makeAuthority, type Pair } from '../harness/make-certificate.ts'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startIssuer, type Issuer } from '../harness/start-issuer.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'

const ca = '00000000-0000-4000-8000-000000000001'
const root = await makeAuthority('root')
const secret = 'a-secret-of-the-sessions'
/** The id of the workspace that test gateways have. */
const workspace = '00000000-0000-4000-8000-00000000000a'

/** In Kong's order. The session accepts or does nothing; it never refuses. */
const methods = ['session', 'mtls-auth', 'jwt', 'key-auth', 'basic-auth', 'openid-connect'] as const
type Method = (typeof methods)[number]
type Presented = 'none' | 'valid' | 'invalid'
type RouteCase = Readonly<Partial<Record<Method, { readonly anonymous: boolean }>>>
type RequestCase = Readonly<Record<Method, Presented>>

/** Kong's rules: without `anonymous` each must succeed; with it, those after a success do nothing, and a failure is the anonymous consumer. */
function oracle(route: RouteCase, request: RequestCase): string {
  let caller = 'nobody'
  for (const method of methods) {
    const plugin = route[method]
    if (plugin === undefined) continue
    const isValid = request[method] === 'valid'
    if (method === 'session') {
      if (isValid) caller = method
      continue
    }
    if (plugin.anonymous && caller !== 'nobody' && caller !== 'anonymous') continue
    if (!isValid && !plugin.anonymous) return '401'
    caller = isValid ? method : 'anonymous'
  }
  return caller
}

let state = 42
const random = (below: number): number => {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31
  return Math.floor((state / 2 ** 31) * below)
}

const routes: RouteCase[] = Array.from({ length: 60 }, () =>
  Object.fromEntries(
    methods.flatMap((method) =>
      random(5) < 3 ? [[method, { anonymous: random(5) < 3 }] as const] : [],
    ),
  ),
)

let gateway: TestGateway
let issuer: Issuer
const stops: (() => unknown)[] = []

const configs = (): Readonly<Record<Method, object>> => ({
  session: { secret, cookie_secure: false },
  'mtls-auth': { ca_certificates: [ca] },
  jwt: { uri_param_names: ['jwt'], header_names: [] },
  'key-auth': {},
  'basic-auth': {},
  'openid-connect': {
    issuer: issuer.url,
    auth_methods: ['bearer'],
    consumer_claim: ['preferred_username'],
  },
})

beforeAll(async () => {
  issuer = await startIssuer()
  stops.push(issuer.stop)
  const { port } = await startUpstream(undefined, (stop) => stops.push(stop))
  const settings = configs()
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: routes.map((_, at) => ({ name: `r${at}`, paths: [`/r${at}/`], service: 'echo' })),
      plugins: routes.flatMap((route, at) =>
        Object.entries(route).map(([name, { anonymous }]) => ({
          name,
          route: `r${at}`,
          config: {
            ...settings[name as Method],
            ...(anonymous && name !== 'session' ? { anonymous: 'anonymous' } : {}),
          },
        })),
      ),
      authorities: { [ca]: root.cert },
      consumers: {
        anonymous: {},
        session: {},
        'mtls-auth': {},
        jwt: {
          jwts: [{ key: 'jwt', algorithm: 'HS256', secret: 'shared', rsa_public_key: null }],
        },
        'key-auth': { keys: ['valid'] },
        'basic-auth': { basic: { user: 'valid' } },
        'openid-connect': {},
      },
    },
    {
      certificate: await root.issue({ names: ['gateway'] }),
      onFinished: (stop) => stops.unshift(stop),
    },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

function tokenFor(key: string): string {
  const text = [{ alg: 'HS256' }, { iss: 'jwt' }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

function sessionCookie(): string {
  const now = Math.floor(Date.now() / 1000)
  const times = { startedAt: now, issuedAt: now, usedAt: now }
  const value = { consumer: 'session', credential: 'c', groups: [], ...times }
  return openCookieSeal(secret, `session ${workspace}`).seal(value, 'session default')
}

test('several authenticators on a route decide as in Kong, whatever is presented', async () => {
  const certificates: Readonly<Record<Presented, Pair | undefined>> = {
    none: undefined,
    valid: await root.issue({ names: ['mtls-auth'] }),
    invalid: await (await makeAuthority('other')).issue({ names: ['mtls-auth'] }),
  }
  const agents = Object.fromEntries(
    Object.entries(certificates).map(([name, pair]) => [
      name,
      new https.Agent({ keepAlive: true, maxSockets: 2, rejectUnauthorized: false, ...pair }),
    ]),
  )
  const tokens = {
    valid: await issuer.sign({ preferred_username: 'openid-connect' }),
    invalid: await issuer.sign({ preferred_username: 'openid-connect', exp: 1 }),
  }
  const send = async (at: number, wanted: RequestCase): Promise<string> => {
    const headers: Record<string, string> = {}
    if (wanted.session !== 'none')
      headers['cookie'] = `session=${wanted.session === 'valid' ? sessionCookie() : 'AAAA'}`
    if (wanted['key-auth'] !== 'none') headers['apikey'] = wanted['key-auth']
    if (wanted['basic-auth'] !== 'none')
      headers['proxy-authorization'] =
        `Basic ${Buffer.from(`user:${wanted['basic-auth']}`).toString('base64')}`
    const bearer = wanted['openid-connect']
    if (bearer !== 'none') headers['authorization'] = `Bearer ${tokens[bearer]}`
    const query =
      wanted.jwt === 'none' ? '' : `?jwt=${tokenFor(wanted.jwt === 'valid' ? 'shared' : 'wrong')}`
    const request = https.get({
      host: '127.0.0.1',
      port: gateway.securePort,
      path: `/r${at}/${query}`,
      headers,
      agent: agents[wanted['mtls-auth']],
    })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    let text = ''
    for await (const part of response) text += String(part)
    if (response.statusCode !== 200) return String(response.statusCode)
    return String((JSON.parse(text) as Echo).headers['x-consumer-username'] ?? 'nobody')
  }
  const seen: unknown[] = []
  const due: unknown[] = []
  for (const [at, route] of routes.entries())
    for (let repeat = 0; repeat < 8; repeat += 1) {
      const wanted = Object.fromEntries(
        methods.map((method) => [
          method,
          (['none', 'valid', 'valid', 'invalid'] as const)[random(4)],
        ]),
      ) as RequestCase
      const label = JSON.stringify([route, wanted])
      seen.push([label, await send(at, wanted)])
      due.push([label, oracle(route, wanted)])
    }
  for (const agent of Object.values(agents)) agent.destroy()
  expect(seen).toEqual(due)
  const outcomes = due.map((one) => (one as string[])[1])
  expect(outcomes).toEqual(expect.arrayContaining([...methods, 'anonymous', '401']))
}, 60_000)
