import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { until } from '../harness/until.ts'

const authority = await makeAuthority('test authority')
const pair = await authority.issue({ names: ['localhost'], addresses: ['127.0.0.1'] })

/** A service that reports the protocol of each request and the number of connections. */
async function startService(isHttp2: boolean) {
  let connections = 0
  const answer = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    request.resume()
    request.on('end', () => {
      response.setHeader('x-http-version', request.httpVersion)
      response.setHeader('x-trailer', String(request.trailers['x-check'] ?? ''))
      if (isHttp2) response.addTrailers({ 'x-sum': 'well' })
      response.end('ok')
    })
  }
  const server = isHttp2
    ? http2.createSecureServer({ ...pair, allowHTTP1: true }, answer)
    : https.createServer(pair, answer as unknown as RequestListener)
  server.on('secureConnection', () => (connections += 1))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { port, connections: () => connections }
}

const words = (port: number, plugins: readonly Record<string, unknown>[]) => ({
  services: [{ name: 'api', host: '127.0.0.1', port, protocol: 'https' }],
  routes: [{ paths: ['/'], service: 'api' }],
  plugins,
})
const offer = { name: 'upstream-http2', service: 'api', config: {} }

test('uses HTTP/2 on one connection to an https service where enabled, else HTTP/1.1', async () => {
  const { port, connections } = await startService(true)
  const plain = await openGateway(words(port, []))
  expect((await plain.ask('/')).headers.get('x-http-version')).toBe('1.1')
  const before = connections()
  const gateway = await openGateway(words(port, [offer]))
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => gateway.ask('/', { method: 'POST', body: 'a body' })),
  )
  expect(new Set(answers.map(({ headers }) => headers.get('x-http-version')))).toEqual(
    new Set(['2.0']),
  )
  expect(connections() - before).toBe(1)
  await until('each is recorded', () => gateway.events.length === 40)
})

test('falls back to HTTP/1.1 and caches that a service does not offer HTTP/2', async () => {
  const { port, connections } = await startService(false)
  const gateway = await openGateway(words(port, [offer]))
  for (let turn = 0; turn < 5; turn += 1)
    expect((await gateway.ask('/')).headers.get('x-http-version')).toBe('1.1')
  expect(connections()).toBeLessThan(4)
})

test('forwards trailers both ways over HTTP/2', async () => {
  const { port } = await startService(true)
  const gateway = await openGateway(words(port, [offer]))
  const session = http2.connect(gateway.url)
  onTestFinished(() => session.destroy())
  const stream = session.request(
    { ':method': 'POST', ':path': '/', te: 'trailers' },
    { waitForTrailers: true },
  )
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-check': 'sent' }))
  const trailers = once(stream, 'trailers')
  stream.end('a body')
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  stream.resume()
  expect(head).toMatchObject({ ':status': 200, 'x-http-version': '2.0', 'x-trailer': 'sent' })
  expect((await trailers)[0]).toMatchObject({ 'x-sum': 'well' })
})

test('counts a failed HTTP/2 connection as a failed attempt', async () => {
  const { port } = await startService(true)
  const gateway = await openGateway({
    services: [{ name: 'api', host: 'pool', protocol: 'https', retries: 3 }],
    routes: [{ paths: ['/'], service: 'api' }],
    upstreams: [
      {
        name: 'pool',
        targets: [9, port].map((one) => ({ target: `127.0.0.1:${one}`, weight: 100 })),
      },
    ],
    plugins: [offer],
  })
  for (let turn = 0; turn < 4; turn += 1)
    expect((await gateway.ask('/')).headers.get('x-http-version')).toBe('2.0')
  expect(gateway.events.some(({ tries }) => tries === 2)).toBe(true)
})
