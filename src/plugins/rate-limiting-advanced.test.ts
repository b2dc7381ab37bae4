import { expect, onTestFinished, test, vi } from 'vitest'
import {
  complaintOf,
  exchangeWith,
  openTestCounters,
  usePlugin,
} from '../../test/harness/use-plugin.ts'
import { rateLimitingAdvanced } from './rate-limiting-advanced.ts'

const base = 1_800_000_000_000

function open(config: object, tools: Parameters<typeof usePlugin>[2] = {}) {
  const time = { now: base }
  const clock = { now: () => time.now }
  const plugin = usePlugin(
    rateLimitingAdvanced,
    { limit: [4], window_size: [60], ...config },
    { clock, ...tools },
  )
  /** Whether a request is admitted, with its headers. */
  const ask = async (headers: [string, string][] = [], clientAddress = '192.0.2.1') => {
    const exchange = exchangeWith({ clientAddress }, headers)
    let refused: { status: number; headers: Readonly<Record<string, string>> } | undefined
    try {
      await plugin.onRequest(exchange)
    } catch (error) {
      refused = error as typeof refused
    }
    const { flat } = exchange.answerHeaders
    const sent = flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : []))
    return { isAdmitted: refused === undefined, refused, sent: Object.fromEntries(sent) as object }
  }
  const admitted = async (requests: number): Promise<number> => {
    const answers = []
    for (let at = 0; at < requests; at += 1) answers.push(await ask())
    return answers.filter(({ isAdmitted }) => isAdmitted).length
  }
  return { time, ask, admitted, use: plugin }
}

test('a fixed window admits its limit, and the next one again', async () => {
  const { time, admitted } = open({ window_type: 'fixed' })
  expect(await admitted(10)).toBe(4)
  time.now += 59_999
  expect(await admitted(10)).toBe(0)
  time.now += 1
  expect(await admitted(10)).toBe(4)
})

test('a sliding window counts the part of the window before that lies within it', async () => {
  const { time, admitted } = open({ disable_penalty: true })
  expect(await admitted(10)).toBe(4)
  time.now += 60_000
  expect(await admitted(10)).toBe(0)
  time.now += 30_000
  expect(await admitted(10)).toBe(2)
  time.now += 90_000
  expect(await admitted(10)).toBe(4)
})

test('refused requests count in sliding windows unless the penalty is disabled', async () => {
  const { time, admitted } = open({})
  expect(await admitted(40)).toBe(4)
  time.now += 90_000
  expect(await admitted(1)).toBe(0)
})

test('every limit of several holds, each with its header', async () => {
  const { time, ask, admitted } = open({
    limit: [6, 2],
    window_size: [3600, 10],
    window_type: 'fixed',
  })
  expect((await ask()).sent).toEqual({
    'X-RateLimit-Limit-10': '2',
    'X-RateLimit-Remaining-10': '1',
    'X-RateLimit-Limit-Hour': '6',
    'X-RateLimit-Remaining-Hour': '5',
    'RateLimit-Limit': '2',
    'RateLimit-Remaining': '1',
    'RateLimit-Reset': '10',
  })
  expect(await admitted(3)).toBe(1)
  const { refused } = await ask()
  expect(refused).toMatchObject({ status: 429, headers: { 'Retry-After': '10' } })
  const counts = []
  for (let window = 0; window < 4; window += 1) {
    time.now += 10_000
    counts.push(await admitted(3))
  }
  expect(counts).toEqual([2, 2, 0, 0])
})

test('requests share a limit by the identifier, and by all of several', async () => {
  const byHeader = open({ identifier: 'header', header_name: 'X-Tenant', limit: [1] })
  const tenants = [[['x-tenant', 'a']], [['x-tenant', 'b']], [['x-tenant', 'a']]] as [
    string,
    string,
  ][][]
  const verdicts = []
  for (const headers of tenants) verdicts.push((await byHeader.ask(headers)).isAdmitted)
  expect(verdicts).toEqual([true, true, false])
  const both = open({ compound_identifier: ['header', 'ip'], header_name: 'X-Tenant', limit: [1] })
  const asked = []
  for (const [tenant, address] of [
    ['a', '1'],
    ['a', '2'],
    ['b', '1'],
    ['a', '1'],
    ['a","1', ''],
    ['a', '1'],
  ] as const)
    asked.push((await both.ask([['x-tenant', tenant]], `192.0.2.${address}`)).isAdmitted)
  expect(asked).toEqual([true, true, true, false, true, false])
})

test('plugins share counters by namespace within a workspace only', async () => {
  const counters = openTestCounters()
  const use = (id: string, workspace: string, namespace: string | null) =>
    open({ namespace, limit: [1] }, { id, workspace, counters })
  expect((await use('p1', 'w1', 'shared').ask()).isAdmitted).toBe(true)
  expect((await use('p2', 'w1', 'shared').ask()).isAdmitted).toBe(false)
  expect((await use('p3', 'w2', 'shared').ask()).isAdmitted).toBe(true)
  expect((await use('p4', 'w1', null).ask()).isAdmitted).toBe(true)
  expect((await use('p5', 'w1', null).ask()).isAdmitted).toBe(true)
})

test('counts locally while Redis is unavailable', async () => {
  const broken = { take: () => Promise.reject(new Error('away')), close: () => undefined }
  const config = { strategy: 'redis', sync_rate: 0, disable_penalty: true }
  expect(await open(config, { redisCounters: () => broken }).admitted(10)).toBe(4)
})

test('counts in Redis as `sync_rate` says, at the addresses in either form', () => {
  const opened: unknown[] = []
  const redisCounters = (address: object, rate: number) => {
    opened.push([address, rate])
    return { take: () => ({ admitted: true, counts: [] }), close: () => undefined }
  }
  const redis = { cluster_addresses: ['a.example:7000', 'b.example:7001'] }
  open({ strategy: 'redis', sync_rate: 0, redis }, { redisCounters })
  open({ strategy: 'redis', sync_rate: 2.5 }, { redisCounters })
  open({ strategy: 'redis', sync_rate: -1 }, { redisCounters })
  expect(opened).toEqual([
    [
      expect.objectContaining({
        cluster_nodes: [
          { ip: 'a.example', port: 7000 },
          { ip: 'b.example', port: 7001 },
        ],
      }),
      -1,
    ],
    [expect.objectContaining({ host: '127.0.0.1', port: 6379, timeout: 2000 }), 2.5],
  ])
})

test('hides headers if configured, and returns the configured status', async () => {
  const { ask, admitted } = open({
    hide_client_headers: true,
    limit: [1],
    error_code: 503,
    error_message: 'Later',
  })
  await admitted(1)
  expect(await ask()).toMatchObject({
    sent: {},
    refused: { status: 503, message: 'Later', headers: {} },
  })
})

test('throttled requests wait and are tried again, unless the queue is full or the client leaves', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const throttling = { enabled: true, interval: 30, queue_limit: 2, retry_times: 2 }
  const { time, ask } = open({ limit: [1], window_type: 'fixed', throttling })
  const wait = (): Promise<unknown> => {
    time.now += 30_000
    return vi.advanceTimersByTimeAsync(30_000)
  }
  expect((await ask()).isAdmitted).toBe(true)
  const waiting = [ask(), ask()]
  expect((await ask()).refused?.status).toBe(429)
  await wait()
  await wait()
  const answers = await Promise.all(waiting)
  expect(answers.filter(({ isAdmitted }) => isAdmitted)).toHaveLength(1)
  const exchange = exchangeWith({ clientAddress: '192.0.2.1' })
  const { use } = open({ limit: [1], window_type: 'fixed', throttling })
  await use.onRequest(exchange)
  const left = Promise.resolve(use.onRequest(exchange))
  exchange.clientLeft()
  await expect(left).rejects.toMatchObject({ code: 'client.closed' })
  expect(vi.getTimerCount()).toBe(0)
})

test.each([
  [{ limit: [1, 2] }, ': You must provide the same number of windows and limits'],
  [{ limit: [0] }, 'limit.0: value must be greater than 0'],
  [{ window_size: [-1] }, 'window_size.0: value must be greater than 0'],
  [{ strategy: 'redis' }, 'sync_rate: required field missing'],
  [{ identifier: 'header' }, 'header_name: required field missing'],
  [{ compound_identifier: ['ip', 'path'] }, 'path: required field missing'],
  [
    { enforce_consumer_groups: true, consumer_groups: ['gold'] },
    'enforce_consumer_groups: overrides of consumer groups are not supported; apply a plugin to the consumer group instead',
  ],
  [{ throttling: { interval: 0 } }, 'throttling.interval: value should be between 1 and 1000000'],
  [{ redis: { cluster_addresses: ['a'] } }, 'redis.cluster_addresses.0: expected host:port'],
])('refuses %j', (config, complaint) => {
  const all = { limit: [1], window_size: [60], ...config }
  expect(complaintOf(rateLimitingAdvanced, all)).toBe(complaint)
})
