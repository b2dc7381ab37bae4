import { expect, test } from 'vitest'
import type { Window } from '../proxy/plugin.ts'
import type { CountAnswer, CountRequest, CountReturn, Recall } from './counter-client.ts'
import { openCounterServer } from './counter-server.ts'
import { openPredecessorCounters, openSuccessorCounters } from './counter-upgrade.ts'

const clock = { now: () => 0 }
const window = (key: string, limit: number): Window => ({ key, limit, endsAt: 1000 })

type ToWorker = CountAnswer | Recall

test('an upgrade counts every request once, and lets the leases of the predecessor count as used', async () => {
  const toWorkers: (readonly [number, ToWorker])[] = []
  const server = openCounterServer({
    clock,
    send: (worker, message) =>
      predecessor.isSuccessors(worker) && predecessor.deliver(worker, message),
    recallTimeout: 60_000,
  })
  const predecessor = openPredecessorCounters(server, (worker, message, handled) =>
    successor.deliver(worker, message, handled),
  )
  let isOpen = true
  let now = 0
  const successor = openSuccessorCounters(
    {
      clock: { now: () => now },
      send: (worker, message) => void toWorkers.push([worker, message]),
    },
    (request) => isOpen && predecessor.handle(request),
  )
  const request = (id: number): CountRequest => ({
    type: 'count',
    id,
    requests: [[window('k', 641)]],
    unused: [],
  })
  server.receive(0, request(1))
  successor.receive(0, request(1))
  expect(toWorkers).toHaveLength(1)
  expect(server.rows()).toEqual([
    [
      'k',
      21,
      1000,
      [
        [0, 10],
        [2 ** 32, 9],
      ],
    ],
  ])
  isOpen = false
  successor.receive(1, request(1))
  successor.forget(0)
  expect(successor.isIdle).toBe(false)
  const { rows, handled } = predecessor.close()
  expect(rows).toEqual([['k', 21, 1000, [[0, 9]]]])
  successor.takeOver(rows, handled)
  expect(successor.isIdle).toBe(true)
  expect(toWorkers.at(-1)).toMatchObject([1, { taken: [{ admitted: true, counts: [22] }] }])
  expect(successor.rows()).toEqual([['k', 31, 1000, [[1, 9]]]])
  // From here on it counts by itself, and a second set of rows changes nothing.
  successor.takeOver([], 0)
  successor.receive(1, { ...request(2), unused: [['k', 9]] })
  expect(toWorkers.at(-1)).toMatchObject([1, { taken: [{ admitted: true, counts: [23] }] }])
  successor.forget(1)
  expect(successor.rows()).toEqual([['k', 32, 1000, []]])
  now = 1000
  successor.sweep()
  expect(successor.rows()).toEqual([])
})

test('a successor is idle once all forwarded requests are handled, and has no rows before it takes over', () => {
  const forwarded: unknown[] = []
  const sent: number[] = []
  const successor = openSuccessorCounters(
    { clock, send: (worker) => void sent.push(worker) },
    (request) => void forwarded.push(request),
  )
  expect([successor.isIdle, successor.rows()]).toEqual([true, []])
  const message: CountReturn = { type: 'returned', unused: [] }
  successor.receive(4, message)
  successor.forget(4)
  expect(forwarded).toEqual([
    { number: 1, worker: 4, message },
    { number: 2, worker: 4 },
  ])
  successor.deliver(4, { type: 'recall' }, 1)
  expect([successor.isIdle, sent]).toEqual([false, [4]])
  successor.deliver(4, { type: 'recall' }, 2)
  expect(successor.isIdle).toBe(true)
})

test('an abandoned upgrade ends the leases of all workers of the successor', () => {
  const server = openCounterServer({ clock, send: () => undefined })
  const predecessor = openPredecessorCounters(server, () => undefined)
  predecessor.handle({
    number: 1,
    worker: 3,
    message: { type: 'count', id: 1, requests: [[window('k', 641)]], unused: [] },
  })
  expect(server.rows()[0]?.[3]).toHaveLength(1)
  predecessor.abandon()
  expect(server.rows()).toEqual([['k', 11, 1000, []]])
})

test('the predecessor ends the leases of a worker of the successor that has ended', () => {
  const server = openCounterServer({ clock, send: () => undefined })
  const predecessor = openPredecessorCounters(server, () => undefined)
  const message: CountRequest = {
    type: 'count',
    id: 1,
    requests: [[window('k', 641)]],
    unused: [],
  }
  predecessor.handle({ number: 1, worker: 3, message })
  predecessor.handle({ number: 2, worker: 3 })
  expect(predecessor.close()).toEqual({ handled: 2, rows: [['k', 11, 1000, []]] })
})
