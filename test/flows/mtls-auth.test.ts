import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import http2 from 'node:http2'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import * as x509 from '@peculiar/x509'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { makeAuthority, type Pair } from '../harness/make-certificate.ts'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'

const uuid = (last: number): string => `00000000-0000-4000-8000-00000000000${last}`
const [rootId, otherId, middleId] = [uuid(1), uuid(2), uuid(3)]

const root = await makeAuthority('root')
const other = await makeAuthority('other')
const middle = await root.delegate('middle')
const clock = { time: Date.now(), now: () => clock.time }

const mtls = (config: object = {}) => ({
  name: 'mtls-auth',
  config: { ca_certificates: [rootId], ...config },
})

/** Each route has this plugin. */
const routes: Readonly<Record<string, object>> = {
  anonymous: mtls({ anonymous: 'guest' }),
  credentials: mtls({ consumer_by: [] }),
  default: mtls({ default_consumer: 'guest' }),
  group: mtls({ skip_consumer_lookup: true }),
  groupOfDn: mtls({ skip_consumer_lookup: true, authenticated_group_by: 'DN' }),
  other: mtls({ ca_certificates: [otherId] }),
  partial: mtls({ ca_certificates: [middleId], allow_partial_chain: true }),
  plain: mtls(),
  whole: mtls({ ca_certificates: [middleId] }),
}

let gateway: TestGateway
const stops: (() => unknown)[] = []

beforeAll(async () => {
  const { port } = await startUpstream(undefined, (stop) => stops.push(stop))
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: Object.keys(routes).map((name) => ({ name, paths: [`/${name}`], service: 'echo' })),
      plugins: [
        ...Object.entries(routes).map(([route, plugin]) => ({ ...plugin, route })),
        { name: 'acl', config: { allow: ['alice'] }, route: 'group' },
        { name: 'acl', config: { allow: ['CN=alice,O=Acme\\, Ltd'] }, route: 'groupOfDn' },
      ],
      authorities: { [rootId]: root.cert, [otherId]: other.cert, [middleId]: middle.cert },
      consumers: {
        alice: {},
        guest: {},
        any: { certificates: { 'any.example': null, both: null } },
        bound: { certificates: { both: rootId, 'of-other': otherId } },
      },
    },
    {
      clock,
      certificate: await root.issue({ names: ['gateway'] }),
      onFinished: (stop) => stops.unshift(stop),
    },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

type Answer = { readonly status: number; readonly message: unknown; readonly echo: Echo }

/** Sends a request over a connection of its own, unless an agent is given. */
async function ask(
  path: string,
  pair?: Pair,
  headers: Record<string, string> = {},
  agent: https.Agent | false = false,
): Promise<Answer> {
  const request = https.get({
    port: gateway.securePort,
    host: '127.0.0.1',
    path,
    headers,
    agent,
    rejectUnauthorized: false,
    ...pair,
  })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const part of response) text += String(part)
  const body = JSON.parse(text) as Echo & { message?: unknown }
  return { status: response.statusCode ?? 0, message: body.message, echo: body }
}

const failed = [401, 'TLS certificate failed verification']
const outcome = async (path: string, pair?: Pair): Promise<unknown[]> => {
  const { status, message } = await ask(path, pair)
  return status === 200 ? [200] : [status, message]
}

test('identifies a consumer by the name of a verified certificate, and records it', async () => {
  const pair = await root.issue({ names: ['alice'] })
  const { status, echo } = await ask('/plain', pair, { 'x-consumer-id': 'forged' })
  expect(status).toBe(200)
  expect(echo.headers).toMatchObject({ 'x-consumer-id': 'alice', 'x-consumer-username': 'alice' })
  expect(gateway.events.at(-1)).toMatchObject({
    auth_method: 'mtls-auth',
    consumer: 'alice',
    subject: 'CN=alice',
    issuer: 'CN=root',
    outcome: 'allowed',
  })
})

test('refuses requests without a certificate, over TLS and in the clear', async () => {
  const sentence = 'No required TLS certificate was sent'
  expect(await outcome('/plain')).toEqual([401, sentence])
  const clear = await gateway.ask('/plain')
  expect([clear.status, await clear.json()]).toMatchObject([401, { message: sentence }])
  expect(gateway.events.at(-1)).toMatchObject({
    denied_by: 'mtls-auth',
    reason: 'mtls-auth.no_certificate',
  })
})

test('refuses certificates of other CAs, of CAs of other plugins, and of a CA with the same name', async () => {
  const imitation = await makeAuthority('root')
  expect(await outcome('/plain', await imitation.issue({ names: ['alice'] }))).toEqual(failed)
  const ofOther = await other.issue({ names: ['alice'] })
  expect(await outcome('/plain', ofOther)).toEqual(failed)
  expect(await outcome('/other', ofOther)).toEqual([200])
  expect(gateway.events.at(-2)).toMatchObject({ reason: 'mtls-auth.untrusted', consumer: '' })
})

test('refuses certificates that have expired or are not valid yet, also on open connections', async () => {
  expect(await outcome('/plain', await root.issue({ names: ['alice'], days: -1 }))).toEqual(failed)
  expect(await outcome('/plain', await root.issue({ names: ['alice'], from: 1 }))).toEqual(failed)
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
  const pair = await root.issue({ names: ['alice'], days: 1 })
  const first = await ask('/plain', pair, {}, agent)
  clock.time += 86_400_000 + 1_000
  const second = await ask('/plain', pair, {}, agent)
  clock.time = Date.now()
  const third = await ask('/plain', pair, {}, agent)
  agent.destroy()
  expect([first.status, second.status, third.status]).toEqual([200, 401, 200])
})

test('refuses certificates whose extensions forbid it', async () => {
  const forServers = new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1'])
  const forClients = new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2'])
  const toEncrypt = new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyEncipherment, true)
  const unknown = new x509.Extension('1.2.3.4.5', true, new Uint8Array([5, 0]))
  const issue = (...extensions: x509.Extension[]) => root.issue({ names: ['alice'], extensions })
  expect(await outcome('/plain', await issue(forClients))).toEqual([200])
  for (const extension of [forServers, toEncrypt, unknown])
    expect(await outcome('/plain', await issue(extension))).toEqual(failed)
})

test('verifies intermediate chains, their lengths and their purposes', async () => {
  expect(await outcome('/plain', await middle.issue({ names: ['alice'] }))).toEqual([200])
  const leaf = await middle.issue({ names: ['alice'] })
  const alone = { ...leaf, cert: `${leaf.cert.split('-----END')[0]}-----END CERTIFICATE-----\n` }
  expect(await outcome('/plain', alone), 'the intermediate certificate is missing').toEqual(failed)
  const short = await root.delegate('short', { pathLength: 0 })
  expect(await outcome('/plain', await short.issue({ names: ['alice'] }))).toEqual([200])
  const tooDeep = await short.delegate('deep')
  expect(await outcome('/plain', await tooDeep.issue({ names: ['alice'] }))).toEqual(failed)
  const noCa = await root.delegate('no CA', { isAuthority: false })
  expect(await outcome('/plain', await noCa.issue({ names: ['alice'] }))).toEqual(failed)
  const old = await root.delegate('old', { days: -1 })
  expect(await outcome('/plain', await old.issue({ names: ['alice'] }))).toEqual(failed)
})

test('trusts an intermediate certificate without its root with allow_partial_chain only', async () => {
  const pair = await middle.issue({ names: ['alice'] })
  expect(await outcome('/partial', pair)).toEqual([200])
  expect(await outcome('/whole', pair)).toEqual(failed)
  expect(await outcome('/partial', await root.issue({ names: ['alice'] }))).toEqual(failed)
})

test('looks up credentials for the issuing CA, then for any, then consumers, as Kong does', async () => {
  const consumerOf = async (path: string, ...names: string[]): Promise<unknown> => {
    const { status, echo } = await ask(path, await root.issue({ names }))
    return status === 200 ? echo.headers['x-consumer-username'] : status
  }
  expect(await consumerOf('/plain', 'any.example')).toBe('any')
  expect(await consumerOf('/plain', 'both')).toBe('bound')
  expect(await consumerOf('/plain', 'alice', 'both'), 'credentials come first').toBe('bound')
  expect(await consumerOf('/plain', 'of-other'), 'another CA must have issued it').toBe(401)
  expect(await consumerOf('/credentials', 'alice')).toBe(401)
  expect(await consumerOf('/plain', 'nobody')).toBe(401)
  expect(gateway.events.at(-1)).toMatchObject({ reason: 'mtls-auth.no_consumer' })
  expect(await consumerOf('/default', 'nobody')).toBe('guest')
  expect(await consumerOf('/anonymous', 'nobody')).toBe('guest')
  expect(gateway.events.at(-1)).toMatchObject({ auth_method: 'anonymous' })
  expect(await consumerOf('/anonymous', 'both')).toBe('bound')
  expect(gateway.events.at(-1)).toMatchObject({ credential: 'bound-both' })
})

test('accepts every trusted certificate with skip_consumer_lookup, and names it to acl and the service', async () => {
  const subject = [{ O: ['Acme, Ltd'] }, { CN: ['alice'] }]
  const pair = await root.issue({ names: ['a.example', 'b.example'], subject })
  const forged = { 'x-client-cert-dn': 'CN=admin', X_Client_Cert_San: 'admin' }
  for (const path of ['/group', '/groupOfDn']) {
    const { status, echo } = await ask(path, pair, forged)
    expect(status).toBe(200)
    expect(echo.headers).toMatchObject({
      'x-client-cert-dn': 'CN=alice,O=Acme\\, Ltd',
      'x-client-cert-san': 'a.example, b.example',
    })
    expect(JSON.stringify(echo.headers)).not.toContain('admin')
  }
  expect((await ask('/group', await root.issue({ names: ['bob'] }))).status).toBe(403)
  expect((await ask('/plain', pair, forged)).echo.headers['x-client-cert-dn']).toBeUndefined()
})

test('matches no name that has NUL or other control characters, or is not of its encoding', async () => {
  const subjects: x509.JsonNameParams[] = [
    [{ CN: [{ utf8String: 'alice\0.evil' }] }],
    [{ CN: [{ utf8String: 'alice\n' }] }],
    [{ CN: [{ utf8String: '\ufeffalice' }] }],
    [{ CN: [{ utf8String: 'Alice' }] }],
    [{ CN: ['#0c06616c696365ff'] }],
    [{ CN: [{ printableString: 'alice' }] }],
    [{ CN: [{ bmpString: 'alice' }] }],
    [{ O: ['alice'] }],
  ]
  const found: unknown[] = []
  for (const subject of subjects)
    found.push((await ask('/plain', await root.issue({ subject }))).status)
  expect(found).toEqual([401, 401, 401, 401, 401, 200, 200, 401])
  const names = async (...given: string[]) =>
    (await ask('/plain', await root.issue({ names: given, subject: [{ O: ['x'] }] }))).status
  expect(await names('alice')).toBe(200)
  expect(await names('alice\0')).toBe(401)
  expect(await names('alice, DNS:bob')).toBe(401)
})

test('identifies the client of every stream of an HTTP/2 connection, and verifies its certificate once', async () => {
  const pair = await middle.issue({ names: ['alice'] })
  const session = http2.connect(`https://127.0.0.1:${gateway.securePort}`, {
    rejectUnauthorized: false,
    ...pair,
  })
  const status = async (path: string): Promise<unknown> => {
    const stream = session.request({ ':path': path })
    stream.resume()
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    return headers[':status']
  }
  expect(await status('/plain')).toBe(200)
  const verify = vi.spyOn(X509Certificate.prototype, 'verify')
  onTestFinished(() => verify.mockRestore())
  const answers = await Promise.all(Array.from({ length: 20 }, () => status('/plain')))
  expect(new Set(answers)).toEqual(new Set([200]))
  expect(verify).not.toHaveBeenCalled()
  expect(await status('/other')).toBe(401)
  session.close()
  expect(gateway.events.at(-2)).toMatchObject({ consumer: 'alice', auth_method: 'mtls-auth' })
})
