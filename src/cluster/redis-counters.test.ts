import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { makeAuthority } from '../../test/harness/make-certificate.ts'
import { startRedis } from '../../test/harness/start-redis.ts'
import { until } from '../../test/harness/until.ts'
import { openEgress } from '../lib/egress.ts'
import { silentLog } from '../lib/log.ts'
import type { CounterSource, RedisAddress, Window } from '../proxy/plugin.ts'
import { openCounterTable } from './counter-table.ts'
import { openRedisConnection } from './redis/open-connection.ts'
import { redisCounters } from './redis-counters.ts'

const egress = openEgress()
const clock = { now: () => 1_000_000 }

/** Counters of a node of its own. */
function openNode(address: RedisAddress, syncRate = -1): CounterSource {
  const counters = redisCounters({ clock, log: silentLog, egress })(address, syncRate)
  onTestFinished(() => counters.close())
  return counters
}

const windowOf = (key: string, limit: number): Window => ({ key, limit, endsAt: 1_060_000 })

test('admits exactly the limit over concurrent nodes', async (context) => {
  const { address } = await startRedis(context)
  const nodes = [openNode(address), openNode(address), openNode(address)]
  const windows = [windowOf('a', 40), windowOf('b', 1000)]
  const taken = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => nodes[index % 3]?.take(windows)),
  )
  expect(taken.filter((one) => one?.admitted)).toHaveLength(40)
  // A refused request counts in no window.
  expect(await nodes[0]?.take([windowOf('b', 41), windowOf('c', 1)])).toEqual({
    admitted: true,
    counts: [41, 1],
  })
  expect(await nodes[1]?.take([windowOf('b', 41), windowOf('d', 1)])).toEqual({
    admitted: false,
    counts: [41, 0],
  })
})

test('decides like the counters of a node, also for sliding windows', async (context) => {
  const { address } = await startRedis(context)
  const node = openNode(address)
  const sliding = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    limit: fc.integer({ min: 1, max: 6 }),
    weight: fc.constantFrom(0, 0.25, 0.5, 1),
    isSliding: fc.boolean(),
    countsRefused: fc.boolean(),
    cost: fc.constantFrom(undefined, 0, 1, 3),
  })
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(sliding, { maxLength: 2 }), { maxLength: 30 }),
      async (takes) => {
        const table = openCounterTable(clock)
        run += 1
        for (const take of takes) {
          const windows = [...new Map(take.map((one) => [one.key, one])).values()].map(
            ({ key, limit, weight, isSliding, countsRefused, cost }): Window => ({
              key: `${run} ${key} 1`,
              limit,
              endsAt: 1_060_000,
              ...(cost === undefined ? {} : { cost }),
              ...(isSliding ? { previous: { key: `${run} ${key} 0`, weight }, countsRefused } : {}),
            }),
          )
          // The window before.
          const before = windows.map(({ key, endsAt }) => ({
            key: `${key.slice(0, -1)}0`,
            limit: 9,
            endsAt,
          }))
          const { admitted, counts } = table.take(windows)
          expect(await node.take(windows)).toEqual({ admitted, counts })
          expect((await node.take(before)).counts).toEqual(table.take(before).counts)
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('counts locally with a sync rate, and sends the counts to Redis', async (context) => {
  const { address } = await startRedis(context)
  const [one, other] = [openNode(address, 0.02), openNode(address)]
  const windows = [windowOf('synced', 10)]
  expect(await one.take(windows)).toEqual({ admitted: true, counts: [1] })
  for (let time = 0; time < 4; time += 1) await one.take(windows)
  const probe = [{ ...windowOf('synced', 0) }]
  const count = async () => (await other.take(probe)).counts[0]
  await until('the counts in Redis', async () => (await count()) === 5)
  await other.take(windows)
  // The counts of the node were forgotten with the exchange, so that it reads those of all nodes.
  await until('the counts of all', async () => (await one.take(probe)).counts[0] === 6)
})

test('rejects while Redis is unavailable, with a wrong password and for another kind of server, and recovers', async (context) => {
  const redis = await startRedis(context)
  const counters = openNode(redis.address)
  const windows = [windowOf('a', 5)]
  await counters.take(windows)
  const wrong = openNode({ ...redis.address, password: 'wrong' })
  await expect(wrong.take(windows)).rejects.toThrow('WRONGPASS')
  await redis.stop()
  await expect(counters.take(windows)).rejects.toThrow(/Redis|ECONN/)
  await redis.start()
  await until('the connection', async () =>
    Promise.resolve(counters.take(windows)).then(
      ({ counts }) => counts[0] === 1,
      () => false,
    ),
  )
  for (const answer of ['HTTP/1.1 400 Bad Request\r\n\r\n', ':x\r\n', '*1\r\n'.repeat(20)]) {
    const port = await answerWith(answer)
    const other = openNode({ ...redis.address, port, timeout: 500 })
    await expect(other.take(windows)).rejects.toThrow(/Redis/)
  }
})

test('connects to no address that the egress rule denies, by name or number', async (context) => {
  const { address } = await startRedis(context)
  const networks = [
    { address: '127.0.0.0', bits: 8 },
    { address: '::1', bits: 128 },
  ]
  const denying = openEgress({ allow: [], deny: networks })
  const open = redisCounters({ clock, log: silentLog, egress: denying })
  for (const host of ['127.0.0.1', 'localhost']) {
    const counters = open({ ...address, host }, -1)
    onTestFinished(() => counters.close())
    const taken = Promise.resolve(counters.take([windowOf('a', 1)]))
    await expect(taken).rejects.toThrow('denied by WEIR_EGRESS_DENY')
  }
})

test('finds the master by Sentinel, and connects to no master that the egress rule denies', async (context) => {
  const { address } = await startRedis(context)
  const sentinel = await startRedis(context, {
    words: ['--sentinel'],
    file: `sentinel monitor counters 127.0.0.1 ${address.port} 1\nsentinel auth-pass counters ${address.password}\n`,
  })
  const bySentinel: RedisAddress = {
    ...address,
    host: null,
    sentinel_master: 'counters',
    sentinel_nodes: [{ host: '127.0.0.1', port: sentinel.address.port }],
    sentinel_password: sentinel.address.password,
  }
  const windows = [windowOf('a', 5)]
  expect(await openNode(bySentinel).take(windows)).toEqual({ admitted: true, counts: [1] })
  expect(await openNode(address).take(windows)).toEqual({ admitted: true, counts: [2] })
  const unknown = openNode({ ...bySentinel, sentinel_master: 'none' })
  await expect(unknown.take(windows)).rejects.toThrow(`Sentinel has no master 'none'`)
  const network = { address: '127.0.0.1', bits: 32, port: address.port }
  const denying = openEgress({ allow: [], deny: [network] })
  const open = redisCounters({ clock, log: silentLog, egress: denying })
  const denied = open(bySentinel, -1)
  onTestFinished(() => denied.close())
  await expect(denied.take(windows)).rejects.toThrow('denied by WEIR_EGRESS_DENY')
})

test('counts in a cluster, all windows of a caller in one slot', async (context) => {
  const { address } = await startRedis(context, {
    words: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
  })
  const plain = openRedisConnection({ ...address, database: 0 }, egress)
  onTestFinished(() => plain.close())
  await plain.call(['CLUSTER', 'ADDSLOTSRANGE', 0, 16_383])
  await until('the cluster', async () =>
    /state:ok/.test(String(await plain.call(['CLUSTER', 'INFO']))),
  )
  const nodes = [{ ip: '127.0.0.1', port: address.port }]
  const inCluster = { ...address, host: null, database: 0, cluster_nodes: nodes }
  const counters = [openNode(inCluster), openNode(inCluster)]
  const windows = ['minute', 'hour'].map((period) => windowOf(`plugin ann ${period} 0`, 30))
  const taken = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => counters[index % 2]?.take(windows)),
  )
  expect(taken.filter((one) => one?.admitted)).toHaveLength(30)
})

test('connects by TLS, and verifies the certificate with ssl_verify', async (context) => {
  const authority = await makeAuthority('redis')
  const folder = mkdtempSync(join(tmpdir(), 'weir-redis-tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const pair = await authority.issue({ names: ['redis.example'] })
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(tls.cert, pair.cert)
  writeFileSync(tls.key, pair.key)
  const { address } = await startRedis(context, { tls })
  expect((await openNode(address).take([windowOf('a', 5)])).admitted).toBe(true)
  const verifying = openNode({ ...address, ssl_verify: true })
  await expect(verifying.take([windowOf('a', 5)])).rejects.toThrow(/certificate/)
})

test('closes a connection on which a reply is missing, and then fails immediately for some time', async () => {
  const silent = createServer((socket) => void socket.on('error', () => undefined))
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  const address = { ...nowhere, port, timeout: 100 }
  const connection = openRedisConnection(address, egress)
  onTestFinished(() => connection.close())
  const failures = await Promise.allSettled([1, 2, 3].map(() => connection.call(['PING'])))
  expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  const [first] = failures
  // The same error: no connection was tried.
  const again = await connection.call(['PING']).catch((error: unknown) => error)
  expect(again).toBe((first as PromiseRejectedResult).reason)
})

const nowhere: RedisAddress = {
  host: '127.0.0.1',
  port: 1,
  username: null,
  password: null,
  database: 0,
  timeout: 100,
  ssl: false,
  ssl_verify: false,
  server_name: null,
}

async function answerWith(text: string): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.write(text)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
