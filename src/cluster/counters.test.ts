import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CounterResult, Window } from '../proxy/plugin.ts'
import {
  openCounterClient,
  type CountAnswer,
  type CounterClient,
  type CountRequest,
  type CountReturn,
  type Recall,
} from './counter-client.ts'
import { openCounterServer } from './counter-server.ts'
import { openCounterTable } from './counter-table.ts'

const clock = { now: () => 0 }
/** Longer than the process runs, where a request stays without an answer. */
const never = 2 ** 30
const window = (key: string, limit: number): Window => ({ key, limit, endsAt: 1000 })

type FromWorker = CountRequest | CountReturn
type ToWorker = CountAnswer | Recall

/** A node of some workers over a wire that a test may delay. */
function openNode(workers: number) {
  const wires: { deliver: () => void }[] = []
  const later = (deliver: () => void): void => void wires.push({ deliver })
  const counters: CounterClient[] = []
  const dead = new Set<number>()
  let messages = 0
  const server = openCounterServer({
    clock,
    send: (worker, message: ToWorker) =>
      later(() => dead.has(worker) || counters[worker]?.receive(message)),
    // The tests decide when a worker answers.
    recallTimeout: 60_000,
  })
  for (let worker = 0; worker < workers; worker += 1) {
    const send = (message: FromWorker): void => {
      messages += 1
      later(() => dead.has(worker) || server.receive(worker, structuredClone(message)))
    }
    counters.push(openCounterClient({ send, clock, timeout: never }))
  }
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3;) {
      await new Promise(setImmediate)
      const wire = wires.shift()
      quiet = wire === undefined ? quiet + 1 : 0
      wire?.deliver()
    }
  }
  return {
    counters,
    server,
    settle,
    messages: () => messages,
    /** The worker sends and receives nothing any more, and then the supervisor notices. */
    die(worker: number): void {
      dead.add(worker)
      server.forget(worker)
    },
    async take(worker: number, ...windows: Window[]): Promise<CounterResult> {
      const taken = (counters[worker] as CounterClient).take(windows)
      await settle()
      return taken
    },
    leased: () => server.rows().map(([, , , leases]) => leases),
    count: () => server.rows()[0]?.[1],
  }
}

test('admits exactly the limit over any number of workers, in any order', async () => {
  const plan = fc.record({
    workers: fc.integer({ min: 1, max: 4 }),
    limit: fc.integer({ min: 1, max: 700 }),
    turns: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 120 }), fc.boolean()), {
      minLength: 1,
      maxLength: 30,
    }),
  })
  await fc.assert(
    fc.asyncProperty(plan, async ({ workers, limit, turns }) => {
      const node = openNode(workers)
      const taken: Promise<CounterResult>[] = []
      for (const [worker, times, isSettled] of turns) {
        for (let time = 0; time < times; time += 1)
          taken.push(
            Promise.resolve(
              (node.counters[worker % workers] as CounterClient).take([window('k', limit)]),
            ),
          )
        if (isSettled) await node.settle()
      }
      await node.settle()
      const verdicts = await Promise.all(taken)
      expect(verdicts.filter(({ admitted }) => admitted)).toHaveLength(
        Math.min(limit, verdicts.length),
      )
    }),
    { numRuns: 150 },
  )
})

test('a worker rarely sends a request while the window has much room', async () => {
  const node = openNode(2)
  for (let time = 0; time < 10_000; time += 1) {
    const taken = node.counters[0]?.take([window('k', 1_000_000)])
    if (taken instanceof Promise) await node.settle()
  }
  expect(node.messages()).toBeLessThan(100)
})

test('a request that one window rejects counts in none', async () => {
  const node = openNode(1)
  const small = window('small', 1)
  const large = window('large', 9)
  expect(await node.take(0, small, large)).toMatchObject({ admitted: true, counts: [1, 1] })
  expect(await node.take(0, small, large)).toMatchObject({ admitted: false, counts: [1, 1] })
  expect(await node.take(0, large)).toMatchObject({ admitted: true, counts: [2] })
})

test('leases at most 256 tokens and a 64th of the room, and only from a window with room', () => {
  const leaseOf = (limit: number): number => {
    const table = openCounterTable(clock)
    return table.take([window('k', limit)], 0).leased[0] ?? Number.NaN
  }
  expect([1, 64, 65, 129, 16_385, 16_449, 1_000_000].map(leaseOf)).toEqual([
    0, 0, 1, 2, 256, 256, 256,
  ])
  const table = openCounterTable(clock)
  table.take([window('k', 641)], 0)
  expect(table.rows()).toEqual([['k', 11, 1000, [[0, 10]]]])
  expect(table.take([window('k', 641)]).leased).toEqual([0])
})

test('takes back no more tokens than it leased, and none of a worker without a lease', () => {
  const table = openCounterTable(clock)
  table.take([window('k', 641)], 0)
  table.giveBack(1, [['k', 5]])
  expect(table.rows()).toEqual([['k', 11, 1000, [[0, 10]]]])
  table.giveBack(0, [['k', 99]])
  expect(table.rows()).toEqual([['k', 1, 1000, []]])
})

test('the unused tokens of a dead worker count as used, exactly', async () => {
  const node = openNode(2)
  // Of 641 one is taken and ten are leased, of which the worker uses three before it dies.
  for (let time = 0; time < 4; time += 1)
    expect(await node.take(0, window('k', 641))).toMatchObject({ admitted: true })
  expect(node.leased()).toEqual([[[0, 10]]])
  node.die(0)
  expect(node.leased(), 'its lease is gone').toEqual([[]])
  expect(node.count()).toBe(11)
  let admitted = 0
  for (let time = 0; time < 700; time += 1)
    admitted += Number((await node.take(1, window('k', 641))).admitted)
  expect(admitted, 'nobody waits for its tokens, and nobody gets them').toBe(641 - 11)
})

test('a return after the recall timeout does not free tokens', async () => {
  const node = openNode(2)
  await node.take(0, window('k', 641))
  node.server.forget(0)
  node.server.receive(0, { type: 'returned', unused: [['k', 10]] })
  expect(node.count()).toBe(11)
})

test('a request that waits for the lease of a worker is answered when that worker dies', async () => {
  const node = openNode(2)
  await node.take(0, window('k', 641))
  const takes: Promise<CounterResult>[] = []
  for (let time = 0; time < 641; time += 1)
    takes.push(Promise.resolve((node.counters[1] as CounterClient).take([window('k', 641)])))
  node.die(0)
  await node.settle()
  const verdicts = (await Promise.all(takes)).map(({ admitted }) => admitted)
  expect(verdicts.filter(Boolean)).toHaveLength(641 - 11)
  expect(verdicts.at(-1)).toBe(false)
  expect(node.server.isIdle).toBe(true)
})

/** A server whose messages a test answers by hand. */
function openServer(options: { readonly recallTimeout?: number } = {}) {
  const sent: (readonly [worker: number, message: ToWorker])[] = []
  const server = openCounterServer({
    clock,
    send: (worker, message) => void sent.push([worker, message]),
    recallTimeout: 60_000,
    ...options,
  })
  let id = 0
  const count = (worker: number, ...requests: Window[][]): void =>
    server.receive(worker, { type: 'count', id: (id += 1), requests, unused: [] })
  const answers = () =>
    sent.flatMap(([worker, message]) =>
      message.type === 'counted' ? [[worker, message.taken] as const] : [],
    )
  return { server, sent, count, answers }
}

test('leases nothing to a worker while its leases are recalled', () => {
  const { server, sent, count, answers } = openServer()
  // Worker 0 holds leases in two windows; the small one fills up, so that worker 1 recalls them.
  count(0, [window('full', 65), window('roomy', 6_401)])
  expect(answers().at(-1)).toEqual([
    0,
    [expect.objectContaining({ leased: [1, 100], admitted: true })],
  ])
  for (let taken = 2; taken < 65; taken += 1) count(1, [window('full', 65)])
  expect(sent.some(([, { type }]) => type === 'recall')).toBe(false)
  count(1, [window('full', 65)])
  expect(sent.at(-1)).toEqual([0, { type: 'recall' }])
  expect(server.isIdle).toBe(false)
  // Its request crosses the recall on the wire: a lease now would be ended by the return, which does not know of it.
  count(0, [window('roomy', 6_401)])
  expect(answers().at(-1)).toEqual([0, [{ admitted: true, counts: [102], leased: [0] }]])
  server.receive(0, {
    type: 'returned',
    unused: [
      ['full', 1],
      ['roomy', 100],
    ],
  })
  expect(answers().at(-1)).toEqual([1, [{ admitted: true, counts: [65], leased: [0] }]])
  expect(server.isIdle).toBe(true)
  expect(server.rows()).toEqual([
    ['full', 65, 1000, []],
    ['roomy', 2, 1000, []],
  ])
  count(0, [window('roomy', 6_401)])
  expect(answers().at(-1), 'once all is returned it may lease again').toEqual([
    0,
    [{ admitted: true, counts: [3], leased: [99] }],
  ])
})

test('leases only for the last request of a message', () => {
  const { count, answers } = openServer()
  const one = [window('k', 6_401)]
  count(0, one, one, one)
  expect(answers()[0]?.[1].map(({ leased }) => leased)).toEqual([[0], [0], [99]])
})

test('leases that are not returned in time count as used', async () => {
  const { server, count, answers } = openServer({ recallTimeout: 20 })
  count(0, [window('k', 65)])
  for (let taken = 2; taken < 66; taken += 1) count(1, [window('k', 65)])
  expect(server.isIdle).toBe(false)
  await expect.poll(() => server.isIdle).toBe(true)
  expect(answers().at(-1)).toMatchObject([1, [{ admitted: false, counts: [65] }]])
  expect(server.rows()).toEqual([['k', 65, 1000, []]])
})

test('recalls from every worker with a lease, and waits for all of them', () => {
  const { server, sent, count, answers } = openServer()
  count(0, [window('k', 193)])
  count(1, [window('k', 193)])
  const [[, , , leases] = []] = server.rows()
  expect(leases).toEqual([
    [0, 3],
    [1, 2],
  ])
  while (sent.at(-1)?.[1].type !== 'recall') count(2, [window('k', 193)])
  const recalled = sent.flatMap(([worker, { type }]) => (type === 'recall' ? [worker] : []))
  expect(recalled).toEqual([0, 1, 2])
  const before = answers().length
  for (const worker of recalled) {
    expect(answers()).toHaveLength(before)
    server.receive(worker, { type: 'returned', unused: [] })
  }
  expect(answers().length).toBe(before + 1)
})

test('ended windows are swept, open ones are not', () => {
  let now = 0
  const table = openCounterTable({ now: () => now })
  table.take([window('ends', 9), { ...window('stays', 9), endsAt: 1001 }])
  now = 1000
  table.sweep()
  expect(table.rows().map(([key]) => key)).toEqual(['stays'])
})

test('sends one message for the requests of a turn', async () => {
  const sent: FromWorker[] = []
  const send = (message: FromWorker) => void sent.push(message)
  const client = openCounterClient({ send, clock, timeout: never })
  const requests = ['a', 'b', 'c'].map((key) => [window(key, 9)])
  for (const windows of requests) void client.take(windows)
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  expect(sent).toEqual([{ type: 'count', id: 1, requests, unused: [] }])
})

test('spends each token of a lease once, and sends a counter request when none is left', async () => {
  const sent: FromWorker[] = []
  const client = openCounterClient({ send: (message) => void sent.push(message), clock })
  const one = [window('k', 900)]
  const ask = async (leased: number, count: number): Promise<CounterResult> => {
    const taken = client.take(one)
    expect(taken).toBeInstanceOf(Promise)
    await new Promise(setImmediate)
    const { id } = sent.at(-1) as CountRequest
    client.receive({
      type: 'counted',
      id,
      taken: [{ admitted: true, counts: [count], leased: [leased] }],
    })
    return await taken
  }
  await ask(0, 1)
  await ask(1, 2)
  expect(client.take(one)).toEqual({ admitted: true, counts: [3] })
  await ask(2, 4)
  expect(client.take(one)).toEqual({ admitted: true, counts: [5] })
  expect(client.take(one)).toEqual({ admitted: true, counts: [6] })
  await ask(0, 7)
  expect(sent.map(({ unused }) => unused)).toEqual([[], [], [['k', 0]], [['k', 0]]])
  expect(sent.map((message) => (message as CountRequest).id)).toEqual([1, 2, 3, 4])
})

test('a worker with many leases keeps none of an ended window', async () => {
  let now = 0
  const sent: FromWorker[] = []
  const client = openCounterClient({
    send: (message) => void sent.push(message),
    clock: { now: () => now },
  })
  const lease = async (windows: readonly Window[]): Promise<void> => {
    const taken = client.take(windows)
    await new Promise(setImmediate)
    const { id } = sent.at(-1) as CountRequest
    const each = { admitted: true, counts: windows.map(() => 1), leased: windows.map(() => 5) }
    client.receive({ type: 'counted', id, taken: [each] })
    await taken
  }
  const ending = Array.from({ length: 1_023 }, (_, at) => window(`ends ${at}`, 9))
  await lease([...ending, { ...window('stays', 9), endsAt: 1_001 }])
  now = 1_000
  await lease([window('next', 9)])
  client.receive({ type: 'recall' })
  expect(sent.at(-1)?.unused).toEqual([
    ['stays', 5],
    ['next', 5],
  ])
})

test('a request that is not answered in time is rejected', async () => {
  const client = openCounterClient({ send: () => undefined, clock, timeout: 10 })
  await expect(client.take([window('k', 1)])).rejects.toThrow('not answered within 10 ms')
})
