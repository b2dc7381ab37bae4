import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { echo, startUpstream, type Echo } from '../harness/start-upstream.ts'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'

/** A route for each policy. */
const policies: Readonly<Record<string, readonly { name: string; config?: object }[]>> = {
  bots: [{ name: 'bot-detection' }],
  cors: [{ name: 'cors', config: { origins: ['https://a.example'] } }, { name: 'key-auth' }],
  inside: [{ name: 'ip-restriction', config: { allow: ['127.0.0.0/8'] } }],
  moved: [
    { name: 'redirect', config: { location: 'https://n.example', keep_incoming_path: true } },
  ],
  outside: [{ name: 'ip-restriction', config: { deny: ['127.0.0.1'] } }],
  page: [{ name: 'cors', config: { origins: ['https://a.example'] } }],
  changed: [
    {
      name: 'request-transformer',
      config: {
        http_method: 'PUT',
        replace: { uri: '/v2' },
        add: { headers: ['X-From:$(headers.host)'], body: ['added:$(query_params.page)'] },
      },
    },
  ],
  small: [
    { name: 'request-size-limiting', config: { allowed_payload_size: 8, size_unit: 'bytes' } },
  ],
  medium: [
    {
      name: 'request-size-limiting',
      config: { allowed_payload_size: 200, size_unit: 'kilobytes' },
    },
  ],
}

let gateway: TestGateway
const stops: (() => unknown)[] = []

beforeAll(async () => {
  const { port } = await startUpstream(
    (asked, response) => {
      response.setHeader('access-control-allow-origin', 'https://of-the-service.example')
      return echo(asked, response)
    },
    (stop) => stops.push(stop),
  )
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: Object.keys(policies).map((name) => ({ name, paths: [`/${name}`], service: 'echo' })),
      plugins: Object.entries(policies).flatMap(([route, plugins]) =>
        plugins.map((plugin) => ({ ...plugin, route })),
      ),
    },
    { onFinished: (stop) => stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const lastEvent = () => {
  const { status, outcome, denied_by, reason } = gateway.events.at(-1) ?? {}
  return [status, outcome, denied_by, reason]
}

test('denies addresses and bots, recorded with plugin and reason', async () => {
  expect((await gateway.ask('/inside')).status).toBe(200)
  const outside = await gateway.ask('/outside')
  expect([outside.status, await outside.json()]).toEqual([
    403,
    expect.objectContaining({ message: 'IP address not allowed: 127.0.0.1' }),
  ])
  expect(lastEvent()).toEqual([403, 'denied', 'ip-restriction', 'ip-restriction.address'])
  const headers = { 'user-agent': 'Googlebot/2.1' }
  expect((await gateway.ask('/bots', { headers })).status).toBe(403)
  expect(lastEvent()).toEqual([403, 'denied', 'bot-detection', 'bot-detection.bot'])
})

test('answers a preflight before authentication, and lets pages read refusals', async () => {
  const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' }
  const preflight = await gateway.ask('/cors', { method: 'OPTIONS', headers })
  expect([preflight.status, await preflight.text()]).toEqual([200, ''])
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    'access-control-allow-origin': 'https://a.example',
    vary: 'Origin',
  })
  const refused = await gateway.ask('/cors', { headers })
  expect(refused.status).toBe(401)
  expect(refused.headers.get('access-control-allow-origin')).toBe('https://a.example')
})

test('redirects with the path of the request', async () => {
  const response = await gateway.ask('/moved/a?b=c', { redirect: 'manual' })
  expect([response.status, response.headers.get('location')]).toEqual([
    301,
    'https://n.example/moved/a?b=c',
  ])
})

test('admits bodies up to the limit, with a length and in chunks', async () => {
  const post = (path: string, body: string, chunked: boolean): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request(gateway.url + path, {
        method: 'POST',
        agent: false,
        headers: chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length },
      })
      asked.on('response', (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      asked.on('error', reject)
      asked.end(body)
    })
  for (const chunked of [false, true]) {
    expect(await post('/small', '12345678', chunked)).toBe(200)
    expect(await post('/small', '123456789', chunked)).toBe(413)
    expect(lastEvent()).toEqual([
      413,
      'denied',
      'request-size-limiting',
      'request-size-limiting.size',
    ])
    expect(await post('/medium', 'x'.repeat(204_800), chunked)).toBe(200)
    expect(await post('/medium', 'x'.repeat(204_801), chunked)).toBe(413)
    expect(lastEvent()[2]).toBe('request-size-limiting')
  }
})

test('replaces the origin that the service allows', async () => {
  const headers = { origin: 'https://a.example' }
  const response = await gateway.ask('/page', { headers })
  expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example')
})

test('forwards a transformed request, in chunks too', async () => {
  for (const body of ['{"a":1}', new Blob(['{"a":1}']).stream()]) {
    const response = await gateway.ask('/changed?page=2', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit)
    const { method, url, headers, body: sent } = (await response.json()) as Echo
    expect([method, url, sent]).toEqual(['PUT', '/v2?page=2', '{"a":1,"added":"2"}'])
    expect(headers['x-from']).toBe(new URL(gateway.url).host)
  }
})
