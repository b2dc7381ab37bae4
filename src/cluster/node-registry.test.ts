import { expect, test } from 'vitest'
import type { Heartbeat } from '../schema/node-protocol.ts'
import { openNodeRegistry } from './node-registry.ts'

const worker = { node: 'n', worker: 1, zone: 'z', environment: 'e' }
const state: Heartbeat = { revision: 1, exchanges: 0, spooledBytes: 0 }
const orderOf = (target: string, healthy: boolean) => ({
  upstream: 'u',
  target,
  address: null,
  healthy,
})

test('sends a worker the last order for each target, once', () => {
  const registry = openNodeRegistry({ now: () => 1000 })
  registry.receiveHeartbeat(worker, state)
  for (const healthy of [true, false]) registry.order(orderOf('a:1', healthy))
  registry.order(orderOf('b:1', true))
  const targets = [orderOf('a:1', false), orderOf('b:1', true)]
  expect(registry.receiveHeartbeat(worker, state)).toEqual({ targets })
  expect(registry.receiveHeartbeat(worker, state)).toEqual({ targets: [] })
})

test('sends a worker the purges of caches, each once', () => {
  const registry = openNodeRegistry({ now: () => 1000 })
  registry.receiveHeartbeat(worker, state)
  const purges = [
    { plugin: 'p', key: null },
    { plugin: 'p', key: 'k' },
  ]
  for (const purge of [...purges, ...purges]) registry.purge(purge)
  expect(registry.receiveHeartbeat(worker, state)).toEqual({ targets: [], purges })
  expect(registry.receiveHeartbeat(worker, state)).toEqual({ targets: [] })
})

test('drops the oldest of too many waiting orders, and all of a silent worker', () => {
  let now = 1000
  const registry = openNodeRegistry({ now: () => now })
  registry.receiveHeartbeat(worker, state)
  for (let at = 0; at < 10_100; at += 1) registry.order(orderOf(`h:${at}`, true))
  const { targets } = registry.receiveHeartbeat(worker, state)
  expect([targets.length, targets.at(-1)?.target]).toEqual([10_000, 'h:10099'])
  now += 60_000
  registry.order(orderOf('a:1', true))
  expect(registry.receiveHeartbeat(worker, state)).toEqual({ targets: [] })
})

test('keeps the later of two orders for a target at the end', () => {
  const registry = openNodeRegistry({ now: () => 1000 })
  registry.receiveHeartbeat(worker, state)
  for (const target of ['a:1', 'b:1', 'a:1']) registry.order(orderOf(target, true))
  const targets = [orderOf('b:1', true), orderOf('a:1', true)]
  expect(registry.receiveHeartbeat(worker, state)).toEqual({ targets })
})

test('forgets a worker after 30 seconds without heartbeat, with its waiting orders', () => {
  let now = 1000
  const registry = openNodeRegistry({ now: () => now })
  registry.receiveHeartbeat(worker, state)
  registry.order(orderOf('a:1', true))
  now += 30_000
  expect(registry.workers()).toEqual([{ ...worker, state, lastSeen: 1000 }])
  now += 1
  expect(registry.workers()).toEqual([])
  expect(registry.receiveHeartbeat(worker, state)).toEqual({ targets: [] })
  expect(registry.workers()).toEqual([{ ...worker, state, lastSeen: 31_001 }])
})

test('lists workers by node, then by number', () => {
  const registry = openNodeRegistry({ now: () => 1000 })
  const names = ['b 0', 'a 10', 'c 1', 'a 2', 'b 1', 'a 1']
  for (const name of names) {
    const [node = '', number] = name.split(' ')
    registry.receiveHeartbeat({ ...worker, node, worker: Number(number) }, state)
  }
  const listed = registry.workers().map((one) => `${one.node} ${one.worker}`)
  expect(listed).toEqual(['a 1', 'a 2', 'a 10', 'b 0', 'b 1', 'c 1'])
})

test('logs a rejected snapshot once, not with every heartbeat', () => {
  const warnings: unknown[] = []
  const registry = openNodeRegistry(
    { now: () => 1000 },
    { warn: (_message, fields) => void warnings.push(fields) },
  )
  const rejecting = { ...state, refusedRevision: 2, refusal: 'compile: no such plugin' }
  for (const beat of [rejecting, rejecting, state, rejecting])
    registry.receiveHeartbeat(worker, beat)
  const line = { node: 'n', worker: 1, revision: 2, reason: 'compile: no such plugin' }
  expect(warnings).toEqual([line, line])
})
