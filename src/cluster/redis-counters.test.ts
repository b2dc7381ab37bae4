import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../test/harness/start-redis.ts'
import { until } from '../../test/harness/until.ts'
import { openEgress } from '../lib/egress.ts'
import { silentLog } from '../lib/log.ts'
import type { CounterSource, RedisAddress, Window } from '../proxy/plugin.ts'
import { openReplyReader, RedisError, type RedisReply } from './redis/read-replies.ts'
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

test('admits exactly the limit over nodes that ask at the same time', async (context) => {
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

test('counts with a sync rate by itself, and sends the counts to Redis', async (context) => {
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

test('rejects while Redis is away, with a wrong password and from a server that is none, and recovers', async (context) => {
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
    await expect(openNode({ ...redis.address, port }).take(windows)).rejects.toThrow(/Redis/)
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

test('reads replies however they are split', () => {
  const expected = ['OK', new RedisError('ERR no'), -7, 'a\r\nb', null, [1, [], '']]
  const text = Buffer.from(
    '+OK\r\n-ERR no\r\n:-7\r\n$4\r\na\r\nb\r\n$-1\r\n*3\r\n:1\r\n*0\r\n$0\r\n\r\n',
  )
  for (let size = 1; size <= text.length; size += 1) {
    const replies: RedisReply[] = []
    const read = openReplyReader((reply) => replies.push(reply))
    for (let at = 0; at < text.length; at += size) read(text.subarray(at, at + size))
    expect(replies).toEqual(expected)
  }
})

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
