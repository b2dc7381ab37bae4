import { createHash, createHmac } from 'node:crypto'
import https from 'node:https'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'

const authority = '00000000-0000-4000-8000-000000000001'
const root = await makeAuthority('root')
const certificate = await root.issue({ names: ['ann-tls'] })

/** Seconds since the epoch at which the tests begin, and what happens after it. */
const start = Math.floor(Date.now() / 1000)
const overlapEnds = start + 100
const expires = start + 200
const clock = { time: 0, now: () => clock.time }

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex')
const lifetime = (secret: string) => ({
  expires_at: expires,
  previous: { secret, expires_at: overlapEnds },
})

let gateway: TestGateway
const stops: (() => unknown)[] = []

beforeAll(async () => {
  const { port } = await startUpstream(undefined, (stop) => stops.push(stop))
  const kinds = ['key-auth', 'basic-auth', 'hmac-auth', 'jwt']
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: [...kinds, 'mtls-auth'].map((name) => ({
        name,
        paths: [`/${name}`],
        service: 'echo',
      })),
      plugins: [
        ...kinds.map((name) => ({ name, route: name, config: {} })),
        { name: 'mtls-auth', route: 'mtls-auth', config: { ca_certificates: [authority] } },
      ],
      authorities: { [authority]: root.cert },
      consumers: {
        ann: {
          keys: ['new-key'],
          basic: { 'ann-basic': 'new' },
          hmac: { 'ann-hmac': 'new' },
          jwts: [{ key: 'ann-jwt', algorithm: 'HS256', secret: 'new', rsa_public_key: null }],
          certificates: { 'ann-tls': null },
        },
      },
      lifetimes: {
        'ann-new-key': { expires_at: expires },
        'ann-ann-basic': lifetime(sha1('oldann')),
        'ann-ann-hmac': lifetime('old'),
        'ann-ann-jwt': lifetime('old'),
        'ann-ann-tls': { expires_at: expires },
      },
    },
    {
      clock,
      certificate: await root.issue({ names: ['gateway'] }),
      onFinished: (stop) => stops.unshift(stop),
    },
  )
})
beforeEach(() => void (clock.time = start * 1000))
afterAll(async () => {
  for (const stop of stops) await stop()
})

/** A request of each kind with a secret. */
const requests: Readonly<Record<string, (secret: string) => Record<string, string>>> = {
  'key-auth': (secret) => ({ apikey: `${secret}-key` }),
  'basic-auth': (secret) => ({
    authorization: `Basic ${Buffer.from(`ann-basic:${secret}`).toString('base64')}`,
  }),
  'hmac-auth'(secret) {
    const date = new Date(clock.time).toUTCString()
    const signature = createHmac('sha256', secret).update(`date: ${date}`).digest('base64')
    const parts = `username="ann-hmac", algorithm="hmac-sha256", headers="date"`
    return { date, authorization: `hmac ${parts}, signature="${signature}"` }
  },
  jwt(secret) {
    const text = [{ alg: 'HS256' }, { iss: 'ann-jwt' }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const signature = createHmac('sha256', secret).update(text).digest('base64url')
    return { authorization: `Bearer ${text}.${signature}` }
  },
}

const isAccepted = async (kind: string, secret: string): Promise<boolean> =>
  (await gateway.ask(`/${kind}`, { headers: requests[kind]?.(secret) ?? {} })).status === 200

/** Whether a secret must be accepted at a time, by the obvious rule. */
const mayPass = (kind: string, secret: string, time: number): boolean =>
  time < expires &&
  (secret === 'new' || (secret === 'old' && kind !== 'key-auth' && time < overlapEnds))

test.each(Object.keys(requests))(
  '%s accepts the secret before until the overlap ends and the new one until it expires, without a change',
  async (kind) => {
    const times = [0, 99, 100, 101, 199, 200, 201, 10_000].map((after) => start + after)
    const seen: unknown[] = []
    const due: unknown[] = []
    // Twice, because what was verified before is remembered.
    for (const time of [...times, ...times])
      for (const secret of ['new', 'old', 'other']) {
        clock.time = time * 1000
        seen.push([time - start, secret, await isAccepted(kind, secret)])
        due.push([time - start, secret, mayPass(kind, secret, time)])
      }
    expect(seen).toEqual(due)
  },
)

test('mtls-auth refuses a credential that expired, on an open connection too', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
  const statuses: unknown[] = []
  for (const after of [0, 199, 200, 10_000]) {
    clock.time = (start + after) * 1000
    const target = { port: gateway.securePort, host: '127.0.0.1', path: '/mtls-auth' }
    const request = https.get({ ...target, ...certificate, agent, rejectUnauthorized: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    statuses.push(response.statusCode)
  }
  agent.destroy()
  expect(statuses).toEqual([200, 200, 401, 401])
})
