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

test('a worker is told the last word about each target, once', () => {
  const registry = openNodeRegistry({ now: () => 1000 })
  registry.hear(worker, state)
  for (const healthy of [true, false]) registry.order(orderOf('a:1', healthy))
  registry.order(orderOf('b:1', true))
  const targets = [orderOf('a:1', false), orderOf('b:1', true)]
  expect(registry.hear(worker, state)).toEqual({ targets })
  expect(registry.hear(worker, state)).toEqual({ targets: [] })
})

test('orders that nobody fetches do not pile up', () => {
  let now = 1000
  const registry = openNodeRegistry({ now: () => now })
  registry.hear(worker, state)
  for (let at = 0; at < 10_100; at += 1) registry.order(orderOf(`h:${at}`, true))
  const { targets } = registry.hear(worker, state)
  expect([targets.length, targets.at(-1)?.target]).toEqual([10_000, 'h:10099'])
  now += 60_000
  registry.order(orderOf('a:1', true))
  expect(registry.hear(worker, state)).toEqual({ targets: [] })
})
