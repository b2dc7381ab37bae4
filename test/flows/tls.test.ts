import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import https, { createServer } from 'node:https'
import net, { type AddressInfo } from 'node:net'
import tls from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { definePlugin } from '../../src/proxy/plugin.ts'
import { Problem } from '../../src/lib/problem.ts'
import { openTicketKeys } from '../../src/proxy/ticket-keys.ts'
import {
  buildTlsPolicy,
  defaultTlsPolicy,
  type TlsPolicySettings,
} from '../../src/proxy/tls-policy.ts'
import { z } from 'zod'
import { makeAuthority, type Pair } from '../harness/make-certificate.ts'
import { openGateway, type GatewayOptions } from '../harness/open-gateway.ts'
import { echo, startUpstream, type Echo } from '../harness/start-upstream.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

const authority = await makeAuthority('test authority')
const issue = (...names: string[]): Promise<Pair> => authority.issue({ names })

/** Completes a handshake, and returns the subject of the gateway's certificate. */
async function shake(
  port: number,
  servername: string,
  options: tls.ConnectionOptions = {},
): Promise<{ socket: tls.TLSSocket; name: string; reused: boolean }> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername,
    ca: authority.cert,
    rejectUnauthorized: false,
    ...options,
  })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  await Promise.race([
    once(socket, 'secureConnect'),
    once(socket, 'close').then(() => Promise.reject(new Error('closed'))),
  ])
  const subject = socket.getPeerX509Certificate()?.subject ?? ''
  return { socket, name: subject.replace('CN=', ''), reused: socket.isSessionReused() }
}

async function ask(socket: tls.TLSSocket, host: string): Promise<string> {
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return String(bytes).split('\r\n')[0] ?? ''
}

test('presents the most specific certificate, else the one for *', async () => {
  const pairs = {
    'exact.example.com': await issue('exact'),
    '*.example.com': await issue('leading'),
    'example.*': await issue('trailing'),
  }
  const fallback = await issue('fallback')
  const gateway = await openGateway({ certificates: pairs }, { certificate: fallback })
  const shown = async (name: string): Promise<string> =>
    (await shake(gateway.securePort, name)).name
  expect(await shown('exact.example.com')).toBe('exact')
  expect(await shown('EXACT.example.COM')).toBe('exact')
  expect(await shown('other.example.com')).toBe('leading')
  expect(await shown('a.other.example.com')).toBe('fallback')
  expect(await shown('example.org')).toBe('trailing')
  expect(await shown('')).toBe('fallback')
  gateway.reconfigure({ certificates: { ...pairs, '*': await issue('any') } })
  expect(await shown('a.other.example.com')).toBe('any')
})

test('a change of certificate drops no connection and invalidates session tickets', async () => {
  const upstream = await startUpstream((_request, response) => response.end('ok'))
  const words = {
    services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
    routes: [{ hosts: ['a.example'], service: 'api', protocols: ['https'] }],
  }
  const before = await issue('before')
  const gateway = await openGateway({ ...words, certificates: { 'a.example': before } })
  const first = await shake(gateway.securePort, 'a.example')
  const ticket = once(first.socket, 'session')
  expect(await ask(first.socket, 'a.example')).toBe('HTTP/1.1 200 OK')
  const [session] = (await ticket) as [Buffer]
  expect((await shake(gateway.securePort, 'a.example', { session })).reused).toBe(true)
  gateway.reconfigure({ ...words, certificates: { 'a.example': await issue('after') } })
  expect(await shake(gateway.securePort, 'a.example', { session })).toMatchObject({
    name: 'after',
    reused: false,
  })
  expect(await ask(first.socket, 'a.example'), 'the old connection goes on').toBe('HTTP/1.1 200 OK')
  expect(gateway.events).toHaveLength(2)
  expect(gateway.events[0]).toMatchObject({ scheme: 'https', tls_version: 'TLSv1.3' })
})

test('accepts TLS 1.2, rejects TLS 1.1, and negotiates ALPN', async () => {
  const gateway = await openGateway({}, { certificate: await issue('any') })
  const shaken = async (options: tls.ConnectionOptions) =>
    (await shake(gateway.securePort, 'x.example', options)).socket
  expect((await shaken({ maxVersion: 'TLSv1.2' })).getProtocol()).toBe('TLSv1.2')
  expect((await shaken({ ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol).toBe('h2')
  expect((await shaken({ ALPNProtocols: ['http/1.1'] })).alpnProtocol).toBe('http/1.1')
  await expect(shaken({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow(
    /closed|protocol/,
  )
  await expect(shaken({ ALPNProtocols: ['other'] })).rejects.toThrow(/closed|protocol/)
})

/** The cipher suites of TLS 1.2 that a gateway with a certificate of each kind accepts. */
async function acceptedSuites(options: GatewayOptions): Promise<string[]> {
  const gateway = await openGateway({}, { certificate: await issue('any'), ...options })
  const offer = async (ciphers: string): Promise<string | undefined> => {
    const versions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
    const shaken = shake(gateway.securePort, 'x.example', { ciphers, ...versions })
    const name = await shaken.then(({ socket }) => socket.getCipher().name).catch(() => undefined)
    return name
  }
  const accepted: string[] = []
  for (;;) {
    const rest = accepted.map((name) => `!${name}`)
    const name = await offer(['ALL', ...rest, '@SECLEVEL=0'].join(':'))
    if (name === undefined) return accepted
    accepted.push(name)
  }
}

test('offers no CBC, ARIA or CCM cipher suite of TLS 1.2 by default, and none at all in modern', async () => {
  const byDefault = await acceptedSuites({})
  expect(byDefault).toContain('ECDHE-ECDSA-AES128-GCM-SHA256')
  expect(byDefault.filter((name) => !/^ECDHE-.*(?:GCM-SHA|CHACHA20-POLY1305)/.test(name))).toEqual(
    [],
  )
  const policy = (settings: TlsPolicySettings): GatewayOptions => ({
    proxied: { tls: { policy: buildTlsPolicy(settings), tickets: undefined } },
  })
  expect(await acceptedSuites(policy({ suite: 'modern' }))).toEqual([])
  expect(await acceptedSuites(policy({ suite: 'old' }))).toContain('ECDHE-ECDSA-AES128-SHA')
  const custom = { suite: 'custom', protocols: ['TLSv1.2'], prefersServerCiphers: true } as const
  const only = 'ECDHE-ECDSA-AES256-GCM-SHA384'
  expect(await acceptedSuites(policy({ ...custom, ciphers: only }))).toEqual([only])
})

test('applies the TLS policy to configured certificates too', async () => {
  const policy = buildTlsPolicy({ suite: 'modern' })
  const gateway = await openGateway(
    { certificates: { 'a.example': await issue('a.example') } },
    { proxied: { tls: { policy, tickets: undefined } } },
  )
  await expect(shake(gateway.securePort, 'a.example', { maxVersion: 'TLSv1.2' })).rejects.toThrow(
    /closed|protocol/,
  )
  const { socket } = await shake(gateway.securePort, 'a.example')
  expect(socket.getProtocol()).toBe('TLSv1.3')
})

test('workers with the same secret and certificates accept the session tickets of each other, until it rotates', async () => {
  const upstream = await startUpstream((_request, response) => response.end('ok'))
  const words = {
    services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
    routes: [{ paths: ['/'], service: 'api' }],
    certificates: { 'a.example': await issue('a.example') },
  }
  const open = async (secret: string) => {
    const tickets = openTicketKeys(secret)
    const tls = { policy: defaultTlsPolicy, tickets }
    return { tickets, gateway: await openGateway(words, { proxied: { tls } }) }
  }
  const [one, other, stranger] = [await open('one'), await open('one'), await open('another')]
  const first = await shake(one.gateway.securePort, 'a.example')
  const ticket = once(first.socket, 'session')
  await ask(first.socket, 'a.example')
  const [session] = (await ticket) as [Buffer]
  const reuses = async ({ gateway }: typeof one): Promise<boolean> =>
    (await shake(gateway.securePort, 'a.example', { session })).reused
  expect([await reuses(other), await reuses(stranger)]).toEqual([true, false])
  other.tickets.rotate('two')
  expect(await reuses(other)).toBe(false)
})

test('closes invalid and incomplete handshakes', async () => {
  const gateway = await openGateway(
    {},
    { certificate: await issue('any'), limits: { headMilliseconds: 200 } },
  )
  const bad = net.connect(gateway.securePort, '127.0.0.1').on('error', () => undefined)
  bad.write('GET / HTTP/1.1\r\n\r\n')
  const half = net.connect(gateway.securePort, '127.0.0.1').on('error', () => undefined)
  half.write(Buffer.from('160301', 'hex'))
  await Promise.all([once(bad.resume(), 'close'), once(half.resume(), 'close')])
  expect((await shake(gateway.securePort, 'x')).name).toBe('any')
})

/** Requires a verified client certificate. */
const vouched = definePlugin({
  name: 'vouched',
  about: 'Lets only callers with a verified certificate pass.',
  settings: z.object({ authorities: z.array(z.string()) }),
  trustedAuthorities: (settings) => settings['authorities'] as string[],
  prepare: () => ({
    onRequest({ request: { clientCertificate: peer } }) {
      if (peer?.verified !== true) throw new Problem('vouched.missing', 401, 'No certificate')
    },
  }),
})

test('requests client certificates where a plugin needs them, and issues no tickets then', async () => {
  const upstream = await startUpstream((_request, response) => response.end('ok'))
  const words = {
    services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
    routes: [{ paths: ['/'], service: 'api' }],
    certificates: { 'a.example': await issue('a.example') },
    authorities: { one: authority.cert },
  }
  const other = await makeAuthority('another')
  const plugins = [{ name: 'vouched', config: { authorities: ['one'] } }]
  const gateway = await openGateway({ ...words, plugins }, { catalog: [vouched] })
  const spiffe = 'spiffe://example.org/ns/shop/sa/till'
  const asked = async (pair?: Pair, session?: Buffer) => {
    const { socket, reused } = await shake(gateway.securePort, 'a.example', { ...pair, session })
    let ticket: Buffer | undefined
    socket.on('session', (bytes: Buffer) => (ticket = bytes))
    return { status: await ask(socket, 'a.example'), ticket, reused }
  }
  const known = await authority.issue({ uris: [spiffe] })
  const first = await asked(known)
  expect(first.status).toBe('HTTP/1.1 200 OK')
  const again = await asked(undefined, first.ticket)
  expect(again, 'a ticket is no certificate').toMatchObject({ reused: false })
  expect(again.status).toMatch(/401/)
  expect((await asked()).status).toMatch(/401/)
  expect((await asked(await other.issue({ uris: [spiffe] }))).status).toMatch(/401/)
  const two = await authority.issue({ uris: [spiffe, 'spiffe://example.org/admin'] })
  expect((await asked(two)).status).toBe('HTTP/1.1 200 OK')
  expect(gateway.events.map(({ peer_identity: peer }) => peer)).toEqual([spiffe, '', '', '', ''])
})

/** An HTTPS upstream that returns the subject of the client certificate. */
async function startSecureUpstream(pair: Pair): Promise<number> {
  const server = createServer(
    { ...pair, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { authorized } = request.socket as tls.TLSSocket
      response.setHeader('x-caller', authorized ? 'vouched' : 'unknown')
      void echo(request, response)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const ca = '00000000-0000-4000-8000-0000000000ca'

test('verifies services only where enabled, by the configured CA certificates', async () => {
  const port = await startSecureUpstream(
    await authority.issue({ names: ['localhost'], addresses: ['127.0.0.1'] }),
  )
  const client = await authority.issue({ names: ['gateway'] })
  const other = await makeAuthority('another')
  const gateway = await openGateway({})
  const asked = async (service: object, trusted = authority.cert) => {
    gateway.reconfigure({
      services: [
        { name: 'api', host: '127.0.0.1', port, protocol: 'https', retries: 0, ...service },
      ],
      routes: [{ paths: ['/'], service: 'api' }],
      authorities: { [ca]: trusted },
      certificates: { client },
    })
    const response = await gateway.ask('/')
    return [response.status, response.headers.get('x-caller')]
  }
  const verified = { tls_verify: true, ca_certificates: [ca] }
  expect(await asked({}), 'not verified unless asked, as in Kong').toEqual([200, 'unknown'])
  expect(await asked({ tls_verify: true }), 'the system knows no such authority').toEqual([
    502,
    null,
  ])
  expect(await asked(verified)).toEqual([200, 'unknown'])
  expect(await asked(verified, other.cert)).toEqual([502, null])
  expect(await asked({ ...verified, client_certificate: 'client' })).toEqual([200, 'vouched'])
  expect(await asked({ ...verified, host: 'localhost' })).toEqual([200, 'unknown'])
})

test('rejects a certificate without the name, and a chain that is too long', async () => {
  const middle = await authority.delegate('middle')
  const port = await startSecureUpstream(await middle.issue({ addresses: ['127.0.0.1'] }))
  const gateway = await openGateway({})
  const status = async (service: object): Promise<number> => {
    gateway.reconfigure({
      services: [
        {
          name: 'api',
          host: '127.0.0.1',
          port,
          protocol: 'https',
          retries: 0,
          tls_verify: true,
          ca_certificates: [ca],
          ...service,
        },
      ],
      routes: [{ paths: ['/'], service: 'api' }],
      authorities: { [ca]: authority.cert },
    })
    return (await gateway.ask('/')).status
  }
  expect(await status({})).toBe(200)
  expect(await status({ tls_verify_depth: 1 })).toBe(200)
  expect(await status({ tls_verify_depth: 0 })).toBe(502)
  expect(await status({ host: 'localhost' })).toBe(502)
})

test('a complete Weir serves TLS with its default certificate, then with a configured one', async () => {
  const { port } = await startUpstream()
  const weir = await startWeir()
  const secure = Number(new URL(weir.secureUrl).port)
  const own = await shake(secure, 'shop.example')
  expect(own.name).toBe('weir default certificate')
  const others = await Promise.all(Array.from({ length: 8 }, () => shake(secure, 'x')))
  const print = (socket: tls.TLSSocket) => socket.getPeerX509Certificate()?.fingerprint256
  expect(new Set(others.map(({ socket }) => print(socket)))).toEqual(new Set([print(own.socket)]))
  const version = { maxVersion: 'TLSv1.2' } as const
  const session = (await shake(secure, 'x', version)).socket.getSession()
  const again = await Promise.all(
    Array.from({ length: 8 }, () => shake(secure, 'x', { ...version, session })),
  )
  expect(
    again.every(({ reused }) => reused),
    'every worker accepts the ticket of one',
  ).toBe(true)
  await weir.admin('PUT', '/services/api', { host: '127.0.0.1', port })
  await weir.admin('PUT', '/routes/api', { paths: ['/'], service: { name: 'api' } })
  const pair = await issue('shop.example')
  const wrong = await weir.admin('POST', '/certificates', { ...pair, key: authority.key })
  expect([wrong.status, await wrong.json()]).toMatchObject([
    400,
    { message: 'schema violation (certificate does not match key)' },
  ])
  const made = await weir.admin('POST', '/certificates', pair)
  const certificate = (await made.json()) as { id: string; key?: string }
  // Principals who may update a certificate can read its key.
  expect([made.status, certificate.key]).toEqual([201, pair.key])
  await weir.admin('POST', '/snis', { name: 'shop.example', certificate: { id: certificate.id } })
  await until(
    'it is shown',
    async () => (await shake(secure, 'shop.example')).name === 'shop.example',
  )
  // The request may reach the other worker.
  await weir.untilApplied()
  const request = https.get({
    port: secure,
    host: '127.0.0.1',
    path: '/x',
    headers: { host: 'shop.example' },
    ca: authority.cert,
    checkServerIdentity: () => undefined,
  })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const part of response) text += String(part)
  const answer = JSON.parse(text) as Echo
  expect(answer.headers['x-forwarded-proto']).toBe('https')
})
