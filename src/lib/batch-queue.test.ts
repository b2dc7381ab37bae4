import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openBatchQueue, type BatchQueueSettings } from './batch-queue.ts'

const settings: BatchQueueSettings = {
  max_batch_size: 1,
  max_coalescing_delay: 0,
  max_entries: 10_000,
  max_bytes: null,
  max_retry_time: 60,
  initial_retry_delay: 0.001,
  max_retry_delay: 0.001,
  concurrency_limit: 1,
}

function open(own: Partial<BatchQueueSettings>, send: (batch: readonly number[]) => Promise<void>) {
  const dropped: string[] = []
  const budget = { bytes: 0, max: 1_000_000 }
  const queue = openBatchQueue<number>({
    settings: { ...settings, ...own },
    send,
    budget,
    onDropped: (entries, reason) => dropped.push(...Array.from({ length: entries }, () => reason)),
  })
  return { queue, budget, dropped }
}

test('every entry is sent once and in order, or dropped and counted, despite failures', async () => {
  const cases = fc.record({
    entries: fc.integer({ min: 0, max: 40 }),
    batch: fc.integer({ min: 1, max: 7 }),
    room: fc.integer({ min: 1, max: 30 }),
    failures: fc.array(fc.boolean(), { maxLength: 30 }),
    isPatient: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ entries, batch, room, failures, isPatient }) => {
      const received: number[] = []
      const rest = [...failures]
      const { queue, budget, dropped } = open(
        { max_batch_size: batch, max_entries: room, max_retry_time: isPatient ? 60 : -1 },
        async (sent) => {
          expect(sent.length).toBeLessThanOrEqual(batch)
          if (rest.pop() === true) throw new Error('planted')
          received.push(...sent)
        },
      )
      for (let entry = 0; entry < entries; entry += 1) queue.add(entry, 10)
      await queue.drain()
      expect(received).toEqual(received.toSorted((a, b) => a - b))
      expect(new Set(received).size).toBe(received.length)
      expect(received.length + dropped.length).toBe(entries)
      expect(received.length).toBeGreaterThanOrEqual(isPatient ? Math.min(entries, room) : 0)
      const { sent, dropped: counted, queued, queuedBytes } = queue.state
      expect([sent, counted, queued, queuedBytes, budget.bytes]).toEqual([
        received.length,
        dropped.length,
        0,
        0,
        0,
      ])
    }),
    { numRuns: 60 },
  )
})

test('the oldest entries are dropped when entries, bytes or the budget of all queues are used up', () => {
  const never = () => new Promise<void>(() => undefined)
  const few = open({ max_entries: 3 }, never)
  for (let entry = 0; entry < 10; entry += 1) few.queue.add(entry, 1)
  expect([few.queue.state.queued, few.dropped.length]).toEqual([3, 7])
  const small = open({ max_bytes: 30 }, never)
  for (let entry = 0; entry < 10; entry += 1) small.queue.add(entry, 10)
  expect([small.queue.state.queuedBytes, small.dropped.length]).toEqual([30, 7])
  small.queue.add(11, 31)
  expect(small.dropped.at(-1)).toBe('larger than max_bytes')
  const { queue, budget, dropped } = open({}, never)
  budget.bytes = 999_985
  for (let entry = 0; entry < 3; entry += 1) queue.add(entry, 10)
  expect([queue.state.queued, dropped.length]).toEqual([1, 2])
})

test('a batch waits for more entries until it is full or its time is over', async () => {
  const batches: number[][] = []
  const { queue } = open(
    { max_batch_size: 3, max_coalescing_delay: 3_600 },
    async (batch) => void batches.push([...batch]),
  )
  for (let entry = 0; entry < 7; entry += 1) queue.add(entry, 1)
  await new Promise((resolve) => void setTimeout(resolve, 20))
  expect(batches).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ])
  await queue.drain()
  expect(batches[2]).toEqual([6])
})

test('stopping aborts the current batch, and counts it as dropped', async () => {
  const { queue, dropped } = open({ max_batch_size: 2 }, async () =>
    Promise.reject(new Error('down')),
  )
  for (let entry = 0; entry < 5; entry += 1) queue.add(entry, 1)
  const drained = queue.drain()
  queue.abort()
  await drained
  expect(dropped).toHaveLength(5)
  expect(queue.state.error).toBe('down')
})
