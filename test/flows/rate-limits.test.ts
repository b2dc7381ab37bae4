import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { forkGateway, type ForkedGateway } from '../harness/fork-gateway.ts'
import { startRedis } from '../harness/start-redis.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const clients = 50
const workers = 4
const limit = 400

/** Workers of any nodes whose limit is in one Redis: each worker has a connection of its own. */
async function openWorkers(redis: object, port: number) {
  const order = {
    services: [{ name: 'one', host: '127.0.0.1', port }],
    routes: [{ name: 'all', paths: ['/'], service: 'one' }],
    plugins: [
      {
        name: 'rate-limiting-advanced',
        config: {
          limit: [limit],
          window_size: [100_000_000],
          window_type: 'fixed',
          identifier: 'service',
          strategy: 'redis',
          sync_rate: 0,
          redis,
        },
      },
    ],
  }
  const fork = (): Promise<ForkedGateway> => forkGateway({ words: order })
  const running = await Promise.all(Array.from({ length: workers }, fork))
  return {
    ask: async (at: number): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${running[at % workers]?.port}/`)
      await response.arrayBuffer()
      return response.status
    },
    async replace(at: number): Promise<void> {
      await running[at]?.kill()
      running[at] = await fork()
    },
  }
}

test('50 clients of 4 workers get exactly the limit from one Redis, less what killed workers had in flight', async (context) => {
  const redis = await startRedis(context)
  let forwarded = 0
  let isDone = false
  const { port } = await startUpstream((_, response) => {
    forwarded += 1
    // While workers are killed, so that they have requests in flight.
    if (isDone) response.end()
    else setTimeout(() => response.end(), 100)
  })
  const { host, port: redisPort, password } = redis.address
  const gateways = await openWorkers({ host, port: redisPort, password }, port)
  let refused = 0
  let broken = 0
  let kills = 0
  const client = async (index: number): Promise<void> => {
    for (let at = index; !isDone; at += 1) {
      const status = await gateways.ask(at).catch(() => undefined)
      if (status === 429) refused += 1
      if (status === undefined) {
        broken += 1
        await sleep(20)
      }
    }
  }
  const asking = Array.from({ length: clients }, (_, index) => client(index))
  await until('a fifth of the limit', () => forwarded > limit / 5)
  for (; kills < 3; kills += 1) await gateways.replace(Math.floor(Math.random() * workers))
  await until('refusals', () => refused > 200)
  isDone = true
  await Promise.all(asking)
  // A request that was counted by a worker which died before it forwarded the request is lost.
  expect(forwarded).toBeLessThanOrEqual(limit)
  expect(forwarded).toBeGreaterThanOrEqual(limit - kills * clients)
  expect(broken).toBeGreaterThan(0)

  // Without Redis, each worker counts by itself; the counts are those of Redis again when it is back.
  await redis.stop()
  const alone = forwarded
  const askAll = async (times: number): Promise<number[]> =>
    (
      await Promise.all(
        Array.from({ length: clients }, async (_, index) => {
          const statuses = []
          for (let at = 0; at < times; at += 1) statuses.push(await gateways.ask(index + at))
          return statuses
        }),
      )
    ).flat()
  expect(new Set(await askAll(4))).toEqual(new Set([200]))
  await askAll((limit * workers) / clients)
  expect(forwarded - alone).toBe(limit * workers)
  await redis.start()
  const before = forwarded
  await until('an answer', async () => (await gateways.ask(0)) === 200)
  await askAll((limit * 1.5) / clients)
  expect(forwarded - before).toBeLessThanOrEqual(limit)
  expect(forwarded - before).toBeGreaterThan(0)
}, 120_000)
