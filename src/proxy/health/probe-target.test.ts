import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import net, { type AddressInfo, type Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { buildTarget } from '../../../test/harness/build-target.ts'
import { until } from '../../../test/harness/until.ts'
import { makeAuthority } from '../../../test/harness/make-certificate.ts'
import { entityNamed } from '../../entities/entities.ts'
import { openEgress } from '../../lib/egress.ts'
import { openProbe, type ProbeRequest } from './probe-target.ts'

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => {
    ;(server as http.Server).closeAllConnections?.()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const probeRequestOf = (
  port: number,
  active: Record<string, unknown>,
  more: Partial<ProbeRequest['target']> = {},
): ProbeRequest => ({
  target: buildTarget({ key: 'p', name: 'target.test', host: '127.0.0.1', port, ...more }),
  upstream: entityNamed('upstream').fields.parse({ name: 'u', healthchecks: { active } }),
  certificate: undefined,
})
const ask = (request: ProbeRequest) =>
  openProbe(openEgress())(request, new AbortController().signal, () => undefined)

test('sends path, Host and fields of an http probe, and returns the status', async () => {
  const asked: IncomingMessage[] = []
  const server = http.createServer((request, response) => {
    asked.push(request)
    response.writeHead(429).end()
  })
  const port = await listen(server)
  const active = { http_path: '/up?x=1', headers: { 'X-A': ['1', '2'] } }
  expect(await ask(probeRequestOf(port, active))).toBe(429)
  expect(asked[0]).toMatchObject({ method: 'GET', url: '/up?x=1' })
  expect(asked[0]?.headers).toMatchObject({
    host: 'target.test',
    'x-a': '1, 2',
    connection: 'close',
  })
})

test('returns timeout for silence, and broken for a refused connection and an invalid response', async () => {
  const silent = await listen(net.createServer())
  expect(await ask(probeRequestOf(silent, { timeout: 0.05 }))).toBe('timeout')
  const odd = await listen(net.createServer((socket) => void socket.end('HELLO\r\n\r\n')))
  expect(await ask(probeRequestOf(odd, {}))).toBe('broken')
  expect(await ask(probeRequestOf(1, {}))).toBe('broken')
})

test.each(['tcp', 'grpc', 'grpcs'])('a %s probe only connects', async (type) => {
  const port = await listen(net.createServer())
  expect(await ask(probeRequestOf(port, { type }))).toBe('connected')
  expect(await ask(probeRequestOf(1, { type }))).toBe('broken')
})

test('an https probe verifies unless that is turned off, and sends the configured SNI', async () => {
  const authority = await makeAuthority('authority')
  const names: (string | false | null)[] = []
  const pair = await authority.issue({ names: ['target.test'] })
  const server = https.createServer({
    ...pair,
    SNICallback: (name, done) => {
      names.push(name)
      done(null)
    },
  })
  server.on('request', (_request, response) => void response.end())
  const port = await listen(server)
  const active = { type: 'https', https_sni: 'other.test' }
  expect(await ask(probeRequestOf(port, active))).toBe('broken')
  expect(await ask(probeRequestOf(port, { ...active, https_verify_certificate: false }))).toBe(200)
  expect(names).toEqual(['other.test', 'other.test'])
})

test('falls back to the address of the other family', async () => {
  const six = http.createServer((_request, response) => void response.end())
  const port = await listen(six, '::1')
  expect(await ask(probeRequestOf(port, {}, { alternatives: ['::1'] }))).toBe(200)
  expect(await ask(probeRequestOf(port, { type: 'tcp' }, { alternatives: ['::1'] }))).toBe(
    'connected',
  )
})

test.each(['http', 'tcp'])('a %s probe leaves no timer behind', async (type) => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const server = http.createServer((_request, response) => void response.end())
  const port = await listen(server)
  const before = timers()
  await ask(probeRequestOf(port, { type, timeout: 600 }))
  expect(await until('the timer is cleared', () => timers() <= before)).toBe(true)
})
