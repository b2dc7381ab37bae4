import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import net, { type AddressInfo, type Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { peerOf } from '../../../test/harness/build-peer.ts'
import { makeAuthority } from '../../../test/harness/make-certificate.ts'
import { entityNamed } from '../../entities/entities.ts'
import { probePeer, type Question } from './probe-peer.ts'

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => {
    ;(server as http.Server).closeAllConnections?.()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const questionOf = (
  port: number,
  active: Record<string, unknown>,
  more: Partial<Question['peer']> = {},
): Question => ({
  peer: peerOf({ key: 'p', name: 'peer.test', host: '127.0.0.1', port, ...more }),
  upstream: entityNamed('upstream').fields.parse({ name: 'u', healthchecks: { active } }),
  certificate: undefined,
})
const ask = (question: Question) => probePeer(question, new AbortController().signal)

test('a request asks for the path with the fields, as the host, and finds the status', async () => {
  const asked: IncomingMessage[] = []
  const server = http.createServer((request, response) => {
    asked.push(request)
    response.writeHead(429).end()
  })
  const port = await listen(server)
  const active = { http_path: '/up?x=1', headers: { 'X-A': ['1', '2'] } }
  expect(await ask(questionOf(port, active))).toBe(429)
  expect(asked[0]).toMatchObject({ method: 'GET', url: '/up?x=1' })
  expect(asked[0]?.headers).toMatchObject({ host: 'peer.test', 'x-a': '1, 2', connection: 'close' })
})

test('silence is a timeout, a refusal and an answer that is none are breaks', async () => {
  const silent = await listen(net.createServer())
  expect(await ask(questionOf(silent, { timeout: 0.05 }))).toBe('timeout')
  const odd = await listen(net.createServer((socket) => void socket.end('HELLO\r\n\r\n')))
  expect(await ask(questionOf(odd, {}))).toBe('broken')
  expect(await ask(questionOf(1, {}))).toBe('broken')
})

test.each(['tcp', 'grpc', 'grpcs'])('%s connects, and asks nothing', async (type) => {
  const port = await listen(net.createServer())
  expect(await ask(questionOf(port, { type }))).toBe('connected')
  expect(await ask(questionOf(1, { type }))).toBe('broken')
})

test('https verifies unless told not to, and asks for the configured name', async () => {
  const authority = await makeAuthority('authority')
  const names: (string | false | null)[] = []
  const pair = await authority.issue({ names: ['peer.test'] })
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
  expect(await ask(questionOf(port, active))).toBe('broken')
  expect(await ask(questionOf(port, { ...active, https_verify_certificate: false }))).toBe(200)
  expect(names).toEqual(['other.test', 'other.test'])
})

test('an address that does not answer is passed over for the one in the other family', async () => {
  const six = http.createServer((_request, response) => void response.end())
  const port = await listen(six, '::1')
  expect(await ask(questionOf(port, {}, { alternatives: ['::1'] }))).toBe(200)
  expect(await ask(questionOf(port, { type: 'tcp' }, { alternatives: ['::1'] }))).toBe('connected')
})
