import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Taken, Window } from '../proxy/plugin.ts'
import {
  askCounters,
  type CountAnswer,
  type CountRequest,
  type CountReturn,
  type Recall,
  type SharedCounters,
} from './ask-counters.ts'
import { openCounterBank } from './share-counters.ts'

const clock = { now: () => 0 }
const window = (key: string, limit: number): Window => ({ key, limit, endsAt: 1000 })

/** A node of some workers over a wire that a test may delay. */
function openNode(workers: number) {
  const wires: { deliver: () => void }[] = []
  const later = (deliver: () => void): void => void wires.push({ deliver })
  const counters: SharedCounters[] = []
  let messages = 0
  const bank = openCounterBank({
    clock,
    tell: (worker, message: CountAnswer | Recall) =>
      later(() => counters[worker]?.receive(message)),
  })
  for (let worker = 0; worker < workers; worker += 1) {
    const send = (message: CountRequest | CountReturn): void => {
      messages += 1
      later(() => bank.receive(worker, structuredClone(message)))
    }
    counters.push(askCounters({ send, clock }))
  }
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3;) {
      await new Promise(setImmediate)
      const wire = wires.shift()
      quiet = wire === undefined ? quiet + 1 : 0
      wire?.deliver()
    }
  }
  return { counters, bank, settle, messages: () => messages }
}

test('over any number of workers exactly the limit is admitted, whoever asks in whatever order', async () => {
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
      const taken: Promise<Taken>[] = []
      for (const [worker, times, isSettled] of turns) {
        for (let time = 0; time < times; time += 1)
          taken.push(
            Promise.resolve(
              (node.counters[worker % workers] as SharedCounters).take([window('k', limit)]),
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

test('with much room a worker rarely asks', async () => {
  const node = openNode(2)
  for (let time = 0; time < 10_000; time += 1) {
    const taken = node.counters[0]?.take([window('k', 1_000_000)])
    if (taken instanceof Promise) await node.settle()
  }
  expect(node.messages()).toBeLessThan(100)
})

test('a request that one window refuses counts in none', async () => {
  const node = openNode(1)
  const [counters] = node.counters as [SharedCounters]
  const take = async (windows: Window[]): Promise<Taken> => {
    const taken = counters.take(windows)
    await node.settle()
    return taken
  }
  expect(await take([window('small', 1), window('large', 9)])).toMatchObject({
    admitted: true,
    counts: [1, 1],
  })
  expect(await take([window('small', 1), window('large', 9)])).toMatchObject({
    admitted: false,
    counts: [1, 1],
  })
  expect(await take([window('large', 9)])).toMatchObject({ admitted: true, counts: [2] })
})

test('what a dead worker was lent counts as used, and nobody waits for it', async () => {
  const node = openNode(2)
  const first = node.counters[0]?.take([window('k', 640)])
  await node.settle()
  expect(await first).toMatchObject({ admitted: true })
  node.bank.forget(0)
  const verdicts: Promise<Taken | undefined>[] = []
  for (let time = 0; time < 700; time += 1) {
    verdicts.push(Promise.resolve(node.counters[1]?.take([window('k', 640)])))
    await node.settle()
  }
  const admitted = (await Promise.all(verdicts)).filter((taken) => taken?.admitted)
  expect(admitted.length).toBeGreaterThan(620)
  expect(admitted.length).toBeLessThan(640)
})
