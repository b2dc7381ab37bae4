import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { fixedCertificate, watchCertificate } from '../../src/admin/watch-certificate.ts'
import { openLog } from '../../src/lib/log.ts'
import { defaultTlsPolicy } from '../../src/proxy/tls-policy.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openCommandLine } from '../harness/open-command-line.ts'
import { adminToken, startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'
import { untilClosed } from '../harness/until-closed.ts'
import { openTestAdmin } from './admin-harness.ts'

const authority = await makeAuthority('test authority')
const own = { names: ['localhost'], addresses: ['127.0.0.1'] }
const password = 'a-long-enough-password'

async function openSecureAdmin() {
  const certificate = fixedCertificate(await authority.issue(own))
  return openTestAdmin({
    adminPassword: password,
    tls: { certificate, policy: defaultTlsPolicy },
  })
}

type Asking = { readonly method?: string; readonly headers?: object; readonly body?: string }

async function ask(url: string, { method = 'GET', headers = {}, body }: Asking = {}) {
  const given = { ...headers, 'content-type': 'application/json' }
  const options = {
    method,
    headers: given,
    ca: authority.cert,
    servername: 'localhost',
    agent: false,
  } as const
  const send = url.startsWith('https:') ? https.request : http.request
  const request = send(url, options).end(body)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += String(part)
  return { status: response.statusCode, headers: response.headers, text }
}

/** The common name of the certificate that a server presents, or the reason why there is no connection. */
async function shownBy(url: string, options: tls.ConnectionOptions = {}): Promise<string> {
  const { hostname, port } = new URL(url)
  const where = { host: hostname, port: Number(port), rejectUnauthorized: false }
  const socket = tls.connect({ ...where, ...options })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerX509Certificate()?.subject ?? ''
  } catch (error) {
    return String((error as { code?: string }).code)
  } finally {
    socket.destroy()
  }
}

test('over TLS, a session has a cookie that is Secure and bound to the host, and the plain listener still serves', async () => {
  const admin = await openSecureAdmin()
  const body = JSON.stringify({ name: 'admin', password })
  const signIn = (url: string) => ask(`${url}/api/session`, { method: 'POST', body })
  for (const url of [admin.secureManagerUrl, admin.secureAdminUrl]) {
    const { status, headers } = await signIn(url)
    expect([status, headers['set-cookie']?.[0]]).toEqual([
      200,
      expect.stringMatching(
        /^__Host-weir_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
      ),
    ])
    const cookie = headers['set-cookie']?.[0]?.split(';')[0]
    const session = await ask(`${url}/api/session`, { headers: { cookie } })
    expect(session).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
  }
  const plain = await signIn(admin.managerUrl)
  expect(plain.headers['set-cookie']?.[0]).toMatch(/^weir_session=/)
})

test('over TLS, a request for a host that is not allowed is refused, and a malformed one is answered', async () => {
  const admin = await openSecureAdmin()
  const { status } = await ask(admin.secureAdminUrl, { headers: { host: 'evil.example' } })
  expect(status).toBe(421)
  const { hostname: host, port } = new URL(admin.secureAdminUrl)
  const socket = tls.connect({ host, port: Number(port), ca: authority.cert })
  socket.end('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nbroken\r\n\r\n')
  let answer = ''
  for await (const part of socket) answer += String(part)
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*"message":"Bad request"/s)
})

test('the Admin API offers the versions and cipher suites of the TLS policy, and closes connections without a handshake', async () => {
  const admin = await openSecureAdmin()
  const url = admin.secureAdminUrl
  expect(await shownBy(url)).toBe('CN=localhost')
  expect(await shownBy(url, { maxVersion: 'TLSv1.2' })).toBe('CN=localhost')
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
  expect(await shownBy(url, old)).toMatch(/^ERR_SSL|^ECONNRESET/)
  const cbc = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' } as const
  expect(await shownBy(url, cbc)).toMatch(/^ERR_SSL|^ECONNRESET/)
  const plain = net.connect(Number(new URL(url).port), '127.0.0.1')
  plain.on('error', () => undefined).resume()
  plain.write('GET / HTTP/1.1\r\n\r\n')
  await untilClosed(plain)
})

test('a changed certificate is presented without a restart, and one without its key is logged once and not presented', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-certificate-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const [first, second] = [await authority.issue(own), await authority.issue({ names: ['second'] })]
  writeFileSync(files.cert, first.cert)
  writeFileSync(files.key, first.key)
  const lines: string[] = []
  const log = openLog('test', (line) => void lines.push(line))
  const certificate = await watchCertificate({ files, log, interval: 10 })
  const admin = await openTestAdmin({ tls: { certificate, policy: defaultTlsPolicy } })
  const url = admin.secureAdminUrl
  expect(await shownBy(url)).toBe('CN=localhost')
  writeFileSync(files.cert, second.cert)
  await until('the complaint', () => lines.length === 1)
  expect(lines[0]).toContain('certificate reload failed')
  expect(await shownBy(url)).toBe('CN=localhost')
  writeFileSync(files.key, second.key)
  await until('the new one', async () => (await shownBy(url)) === 'CN=second')
  expect(lines).toEqual([
    expect.stringContaining('certificate reload failed'),
    expect.stringContaining('certificate reloaded'),
  ])
})

test('a complete Weir serves the Admin API and the Manager by TLS, to commands that know its certificate, and on the same ports after a restart of the control plane', async () => {
  const pair = await authority.issue({ ...own, names: ['manager.test', 'localhost'] })
  const { folder, run } = openCommandLine({ WEIR_ADMIN_TOKEN: adminToken })
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(files.cert, pair.cert)
  writeFileSync(files.key, pair.key)
  const weir = await startWeir({
    env: {
      WEIR_ADMIN_LISTEN: '127.0.0.1:0, 127.0.0.1:0 ssl',
      WEIR_MANAGER_LISTEN: '127.0.0.1:0 ssl',
      WEIR_ADMIN_GUI_SSL_CERT: files.cert,
      WEIR_ADMIN_GUI_SSL_CERT_KEY: files.key,
    },
  })
  const secureUrl = /Admin API TLS +(https:\S+)/.exec(weir.output())?.[1] ?? ''
  expect(weir.managerUrl).toMatch(/^https:/)
  expect(await shownBy(secureUrl)).toBe('CN=weir default certificate')
  expect(await shownBy(weir.managerUrl, { ca: authority.cert, rejectUnauthorized: true })).toBe(
    'CN=manager.test',
  )

  const dump = (...more: string[]) => run('config', 'dump', '--addr', secureUrl, ...more)
  const refused = await dump()
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(/self-signed certificate.*\nSet the CA.*--ca-cert-file/)
  const ca = join(weir.data, 'admin/default-certificate.pem')
  expect(await dump('--ca-cert-file', ca)).toMatchObject({ code: 0, err: '' })
  expect(await dump('--tls-skip-verify')).toMatchObject({ code: 0, err: '' })
  expect((await dump('--ca-cert-file', files.cert)).code).toBe(1)

  const loop = await weir.admin('POST', '/services', { url: `${secureUrl}/` })
  expect([loop.status, await loop.text()]).toEqual([
    400,
    expect.stringContaining('a listener of Weir'),
  ])

  const [control = 0] = weir.children('weir control')
  process.kill(control, 'SIGKILL')
  await until('another control plane serves', async () => {
    const [now = control] = weir.children('weir control')
    return now !== control && (await shownBy(secureUrl)) === 'CN=weir default certificate'
  })
  await until('the Manager too', async () => (await shownBy(weir.managerUrl)) === 'CN=manager.test')
}, 180_000)
