import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { makeAuthority } from '../../test/harness/make-certificate.ts'
import { lockDataDirectory } from '../supervisor/lock-data-directory.ts'
import { readVariable } from './environment.ts'
import { readSettings, settingsSchema } from './settings.ts'

afterEach(() => void vi.unstubAllEnvs())

test('a flag takes precedence over its environment variable, an absent flag does not', () => {
  vi.stubEnv('WEIR_DATA', '/from/environment')
  expect(readSettings({ WEIR_DATA: '/from/flag' }).data).toBe('/from/flag')
  expect(readSettings({ WEIR_DATA: undefined }).data).toBe('/from/environment')
  expect(readSettings().data).toBe('/from/environment')
})

test('runs both planes unless one is selected, and only a gateway plane needs a control plane elsewhere', () => {
  vi.stubEnv('WEIR_CONTROL_URL', 'https://control.example:8005/')
  vi.stubEnv('WEIR_JOIN_TOKEN', 'token')
  const planeOf = (plane?: string) => {
    const settings = readSettings({ WEIR_PLANE: plane })
    return [settings.plane, settings.remoteControl]
  }
  expect(planeOf()).toEqual([undefined, undefined])
  expect(planeOf('control')).toEqual(['control', undefined])
  expect(planeOf('gateway')).toEqual([
    'gateway',
    { url: 'https://control.example:8005', joinToken: 'token' },
  ])
})

test('reads the TLS policy of listeners, and names unknown ciphers and versions', () => {
  expect(readSettings().tls).toEqual({
    policy: { suite: 'intermediate' },
    hasSessionTickets: true,
  })
  vi.stubEnv('WEIR_SSL_CIPHER_SUITE', 'custom')
  expect(() => readSettings()).toThrow('WEIR_SSL_CIPHERS: required by WEIR_SSL_CIPHER_SUITE=custom')
  vi.stubEnv('WEIR_SSL_CIPHERS', 'ECDHE-RSA-AES128-GCM-SHA256')
  expect(readSettings({ WEIR_SSL_PREFER_SERVER_CIPHERS: 'off' }).tls.policy).toEqual({
    suite: 'custom',
    ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
    protocols: ['TLSv1.2', 'TLSv1.3'],
    prefersServerCiphers: false,
  })
  for (const [name, text, complaint] of [
    ['WEIR_SSL_CIPHERS', 'no-such-suite', 'WEIR_SSL_CIPHERS: '],
    ['WEIR_SSL_PROTOCOLS', 'SSLv3', 'expected some of TLSv1 TLSv1.1 TLSv1.2 TLSv1.3'],
    ['WEIR_SSL_PROTOCOLS', 'TLSv1 TLSv1.2', 'expected consecutive versions'],
    ['WEIR_SSL_CIPHER_SUITE', 'fips', 'expected modern, intermediate, old or custom'],
  ] as const)
    expect(() => readSettings({ [name]: text })).toThrow(complaint)
})

test('reads the listeners, proxies and port maps, and names malformed ones', () => {
  vi.stubEnv('WEIR_PROXY_LISTEN', '0.0.0.0:80 proxy_protocol')
  vi.stubEnv(
    'WEIR_STREAM_LISTEN',
    '9000 reuseport, [::]:9443 ssl proxy_protocol send_proxy_v2, 0.0.0.0:53 udp reuseport proxy_responses=1',
  )
  vi.stubEnv('WEIR_TRUSTED_IPS', '10.0.0.0/8, 2001:db8::1')
  vi.stubEnv('WEIR_REAL_IP_HEADER', 'proxy_protocol')
  vi.stubEnv('WEIR_REAL_IP_RECURSIVE', 'on')
  vi.stubEnv('WEIR_PORT_MAPS', '80:8000,443:8443')
  expect(readSettings()).toMatchObject({
    proxyListen: { host: '0.0.0.0', port: 80, readsProxy: true },
    streamListens: [
      { port: 9000, isSecure: false, readsProxy: false },
      { host: '::', port: 9443, isSecure: true, readsProxy: true, sendsProxy: 'v2' },
      { host: '0.0.0.0', port: 53, isUdp: true, responses: 1 },
    ],
    origins: {
      realIp: { trusted: ['10.0.0.0/8', '2001:db8::1'], header: 'proxy_protocol', recursive: true },
      portMaps: [
        { external: 80, internal: 8000 },
        { external: 443, internal: 8443 },
      ],
    },
  })
  for (const [name, text, complaint] of [
    ['WEIR_PROXY_LISTEN', '8000', 'WEIR_REAL_IP_HEADER: proxy_protocol needs WEIR_PROXY_LISTEN'],
    ['WEIR_PROXY_LISTEN', '8000 ssl', 'WEIR_PROXY_LISTEN: expected HOST:PORT'],
    ['WEIR_STREAM_LISTEN', '9000 send_proxy send_proxy_v2', 'WEIR_STREAM_LISTEN.0: expected'],
    ['WEIR_STREAM_LISTEN', '9000 udp ssl', 'or udp with reuseport and proxy_responses=NUMBER'],
    ['WEIR_STREAM_LISTEN', '9000 udp proxy_responses=x', 'WEIR_STREAM_LISTEN.0: expected'],
    ['WEIR_STREAM_LISTEN', '9000 proxy_responses=1', 'WEIR_STREAM_LISTEN.0: expected'],
    ['WEIR_TRUSTED_IPS', '10.0.0.0/8, 10.0.0.0/33', '10.0.0.0/33 is not an address or CIDR block'],
    ['WEIR_REAL_IP_RECURSIVE', 'yes', 'expected on or off'],
    ['WEIR_PORT_MAPS', '80', 'expected EXTERNAL:INTERNAL'],
  ] as const)
    expect(() => readSettings({ [name]: text })).toThrow(complaint)
})

test('reads the listeners of the control plane and their certificates, and names unusable ones', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-settings-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const authority = await makeAuthority('test')
  const [pair, other] = [await authority.issue({}), await authority.issue({})]
  const place = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const [cert, key, foreign] = [
    place('cert.pem', pair.cert),
    place('key.pem', pair.key),
    place('other.pem', other.key),
  ]
  vi.stubEnv('WEIR_ADMIN_LISTEN', '127.0.0.1:8001, [::]:8444 ssl')
  expect(readSettings()).toMatchObject({
    adminListens: [
      { host: '127.0.0.1', port: 8001, isSecure: false },
      { host: '::', port: 8444, isSecure: true },
    ],
    managerListens: [{ host: '127.0.0.1', port: 8002, isSecure: false }],
  })
  const both = { WEIR_ADMIN_SSL_CERT: cert, WEIR_ADMIN_SSL_CERT_KEY: key }
  expect(readSettings(both).adminCertificate).toEqual({ cert, key })
  for (const [given, complaint] of [
    [{ WEIR_ADMIN_LISTEN: '8001 tls' }, 'WEIR_ADMIN_LISTEN: expected HOST:PORT, then ssl'],
    [{ WEIR_ADMIN_SSL_CERT: cert }, 'WEIR_ADMIN_SSL_CERT_KEY: required by WEIR_ADMIN_SSL_CERT'],
    [{ WEIR_ADMIN_GUI_SSL_CERT_KEY: key }, 'WEIR_ADMIN_GUI_SSL_CERT: required by'],
    [{ ...both, WEIR_ADMIN_SSL_CERT: join(folder, 'none') }, 'WEIR_ADMIN_SSL_CERT: ENOENT'],
    [{ ...both, WEIR_ADMIN_SSL_CERT: key }, 'WEIR_ADMIN_SSL_CERT: '],
    [{ ...both, WEIR_ADMIN_SSL_CERT_KEY: foreign }, 'WEIR_ADMIN_SSL_CERT_KEY: no key of'],
  ] as const)
    expect(() => readSettings(given)).toThrow(complaint)
})

test('an override without a value leaves every variable as it is', () => {
  vi.stubEnv('WEIR_NODE', 'named')
  vi.stubEnv('WEIR_ADMIN_LISTEN', '127.0.0.1:18001')
  const overrides = Object.fromEntries(
    Object.keys(settingsSchema.shape).map((name) => [name, undefined]),
  )
  expect(readSettings(overrides)).toEqual(readSettings())
  expect(readSettings(overrides)).toMatchObject({
    node: 'named',
    adminListens: [{ host: '127.0.0.1', port: 18_001, isSecure: false }],
  })
})

test('no setting can be read as a variable of a vault', () => {
  for (const name of [...Object.keys(settingsSchema.shape), 'WEIR_VAULT_OF_MINE'])
    vi.stubEnv(name, 'a value')
  expect(Object.keys(settingsSchema.shape).filter((name) => readVariable(name))).toEqual([])
  expect(readVariable('WEIR_VAULT_OF_MINE')).toBe('a value')
})

test('a second program on the directory that WEIR_DATA names is refused', async () => {
  const data = mkdtempSync(join(tmpdir(), 'weir-lock-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const unlock = lockDataDirectory(data)
  onTestFinished(unlock)
  const main = join(import.meta.dirname, 'main.js')
  const env = { PATH: process.env['PATH'], WEIR_DATA: data }
  const options = { env, cwd: tmpdir(), timeout: 120_000 }
  const second = promisify(execFile)(process.execPath, [main, 'start'], options)
  await expect(second).rejects.toMatchObject({
    code: 1,
    stderr: `The data directory ${data} is in use by process ${process.pid}\n`,
  })
})
