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
