import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../../test/harness/open-gateway.ts'
import { startRedis } from '../../test/harness/start-redis.ts'
import { startUpstream } from '../../test/harness/start-upstream.ts'
import { complaintOf, exchangeWith, usePlugin } from '../../test/harness/use-plugin.ts'
import { responseRatelimiting } from './response-ratelimiting.ts'

const limits = { video: { minute: 10, hour: 12 }, image: { minute: 5 } }

/** The configuration of each route. */
const configs: Readonly<Record<string, object>> = {
  shown: { limits },
  hidden: { limits, hide_client_headers: true, header_name: 'X-Units' },
  blocks: { limits, block_on_first_violation: true },
  redis: { limits, policy: 'redis' },
}

let gateway: TestGateway
let now = 1_800_000_000_000
let units: Readonly<Record<string, string>> = {}
let forwarded: NodeJS.Dict<string | string[]> = {}
const stops: (() => unknown)[] = []
let service: { readonly port: number }

beforeAll(async () => {
  service = await startUpstream(
    (request, response) => {
      forwarded = request.headers
      response.writeHead(200, units).end('of the service')
    },
    (stop) => stops.push(stop),
  )
  gateway = await openGateway(buildInput({}), {
    clock: { now: () => now },
    onFinished: (stop) => stops.unshift(stop),
  })
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const buildInput = (redis: object) => ({
  services: [{ name: 'one', host: '127.0.0.1', port: service.port }],
  routes: Object.keys(configs).map((name) => ({ name, paths: [`/${name}`], service: 'one' })),
  plugins: Object.entries(configs).flatMap(([route, config]) =>
    route === 'redis' && !('host' in redis)
      ? []
      : [{ name: 'response-ratelimiting', config: { ...config, redis }, route }],
  ),
  consumers: { ann: { keys: ['key-of-ann'] } },
})

async function ask(route: string, sent: string, header = 'X-Kong-Limit') {
  units = sent === '' ? {} : { [header]: sent }
  const response = await gateway.ask(`/${route}`)
  const headers = Object.fromEntries(response.headers)
  return { status: response.status, headers, text: await response.text() }
}

const left = ({ headers }: { headers: Readonly<Record<string, string>> }, name: string) =>
  headers[`x-ratelimit-remaining-${name}`]

test('counts the units of responses, and refuses those beyond a limit with an empty body', async () => {
  const first = await ask('shown', 'video=4, image = 1, unknown=9, image=x')
  expect(first.headers).toMatchObject({
    'x-ratelimit-limit-video-minute': '10',
    'x-ratelimit-remaining-video-minute': '6',
    'x-ratelimit-remaining-video-hour': '8',
    'x-ratelimit-remaining-image-minute': '4',
  })
  expect(first.headers).not.toHaveProperty('x-kong-limit')
  expect(left(await ask('shown', 'video=7'), 'video-minute')).toBe('0')
  expect(forwarded).toMatchObject({
    'x-ratelimit-remaining-video': '6',
    'x-ratelimit-remaining-image': '4',
  })
  const refused = await ask('shown', 'video=1, image=1')
  expect([refused.status, refused.text]).toEqual([429, ''])
  expect(gateway.events.at(-1)).toMatchObject({
    outcome: 'denied',
    denied_by: 'response-ratelimiting',
    reason: 'response-ratelimiting.exceeded',
    upstream_status: 200,
  })
  // Nothing of it was counted.
  const other = await ask('shown', 'image=1')
  expect([other.status, left(other, 'image-minute')]).toEqual([200, '3'])
  expect((await ask('shown', '')).text).toBe('of the service')
  now += 60_000
  expect([(await ask('shown', 'video=1')).status, (await ask('shown', 'image=1')).status]).toEqual([
    200, 200,
  ])
  expect((await ask('shown', 'video=1')).status).toBe(429)
  now += 3_600_000
  expect((await ask('shown', 'video=1')).status).toBe(200)
})

test('reads another header, and hides its own', async () => {
  const first = await ask('hidden', 'video=10', 'X-Units')
  expect([left(first, 'video-minute'), first.headers['x-units']]).toEqual([undefined, undefined])
  expect((await ask('hidden', 'video=1', 'x-units')).status).toBe(429)
})

test('refuses requests before the service once one limit is reached, if it shall', async () => {
  await ask('blocks', 'image=5')
  forwarded = {}
  const refused = await ask('blocks', '')
  expect([refused.status, JSON.parse(refused.text), forwarded]).toEqual([
    429,
    expect.objectContaining({ message: `API rate limit exceeded for 'image'` }),
    {},
  ])
})

test('ignores counts that are negative, broken or no numbers', async () => {
  now += 3_600_000
  const broken = [
    'video=-5',
    'video=1e9',
    'video',
    'video=1=2',
    '=',
    'constructor=3',
    'image=9999999999',
  ]
  for (const sent of broken) {
    const answer = await ask('shown', sent)
    expect([left(answer, 'video-hour'), left(answer, 'image-minute')]).toEqual(['12', '5'])
  }
})

test('nodes share counters in Redis, and fault_tolerant decides while it is away', async (context) => {
  const redis = await startRedis(context)
  const { host, port, password } = redis.address
  gateway.reconfigure(buildInput({ host, port, password, timeout: 500 }))
  await ask('redis', 'video=10')
  expect((await ask('redis', 'video=1')).status).toBe(429)
  await redis.stop()
  expect((await ask('redis', 'video=1')).status).toBe(200)
  const broken = { take: () => Promise.reject(new Error('away')), close: () => undefined }
  const config = { limits, policy: 'redis', redis: { host: 'r.example' }, fault_tolerant: false }
  const strict = usePlugin(responseRatelimiting, config, { redisCounters: () => broken })
  await expect(strict.onRequest(exchangeWith({}))).rejects.toMatchObject({ status: 500 })
  await redis.start()
})

test.each([
  [{}, 'limits: Invalid input'],
  [{ limits: {} }, 'limits: length must be at least 1'],
  [{ limits: { a: {} } }, `limits.a: at least one of these fields must be non-empty: 'second'`],
  [{ limits: { a: { minute: 0 } } }, 'limits.a.minute: value must be greater than 0'],
  [
    { limits: { a: { minute: 5, hour: 4 } } },
    'limits.a: the limit for hour(4.0) cannot be lower than the limit for minute(5.0)',
  ],
  [{ limits: { 'a b': { minute: 5 } } }, 'limits.a b: expected a name that is usable in a header'],
  [{ limits, header_name: 'a\r\nb' }, 'header_name: expected the name of a header'],
  [{ limits, policy: 'redis' }, 'redis.host: required field missing'],
  [{ limits, limit_by: 'path' }, 'limit_by: Invalid option'],
])('refuses %j', (config, complaint) => {
  expect(complaintOf(responseRatelimiting, config)?.slice(0, complaint.length)).toBe(complaint)
})
