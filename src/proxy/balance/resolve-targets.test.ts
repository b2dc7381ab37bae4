import { expect, test } from 'vitest'
import { createFakeTime } from '../../../test/harness/fake-time.ts'
import { maxUnusedStates, resolveTargets } from './resolve-targets.ts'
import { openResolver } from './resolver.ts'
import type { Target, TargetState } from './target.ts'

test('bounds the states of addresses that are no longer in use, and keeps those with exchanges in flight', async () => {
  const time = createFakeTime()
  let lookups = 0
  const resolver = openResolver(() => {
    lookups += 1
    const host = `10.0.${lookups >> 8}.${lookups & 255}`
    return Promise.resolve({ addresses: [{ host, alternatives: [] }], ttl: 1 })
  }, time.clock)
  const states = new Map<string, TargetState>()
  const configs = [{ host: 'name.example', port: 80, weight: 1, failover: false }]
  const resolved = resolveTargets(configs, resolver, states, false)
  let busy: Target | undefined
  for (let change = 0; change < 2 * maxUnusedStates; change += 1) {
    resolved.targets(time.clock.now())
    await resolver.lookUp('name.example').pending
    busy ??= resolved.targets(time.clock.now())[0]
    if (busy !== undefined) busy.state.inFlight = 1
    time.advance(1_000)
  }
  expect(lookups).toBeGreaterThan(maxUnusedStates + 10)
  expect(states.size).toBeLessThanOrEqual(maxUnusedStates + 2)
  expect(states.get(busy?.key ?? '')).toBe(busy?.state)
})

test('keeps its targets while a name that left the cache is looked up again', async () => {
  const time = createFakeTime()
  const found = new Map([
    ['name.test', '192.0.2.1'],
    ['other.test', '192.0.2.2'],
  ])
  const resolver = openResolver((name) => {
    const host = found.get(name)
    if (host === undefined) return Promise.reject(new Error('no such name'))
    return Promise.resolve({ addresses: [{ host, alternatives: [] }], ttl: 60 })
  }, time.clock)
  const configs = ['name.test', '192.0.2.9'].map((host) => ({
    host,
    port: 80,
    weight: 1,
    failover: false,
  }))
  const resolved = resolveTargets(configs, resolver, new Map(), false)
  const hosts = (): string[] => resolved.targets(time.clock.now()).map(({ host }) => host)
  await resolved.ready(time.clock.now())
  await resolver.lookUp('name.test').pending
  expect(hosts()).toEqual(['192.0.2.1', '192.0.2.9'])
  resolver.release([])
  await resolver.lookUp('other.test').pending
  expect(hosts()).toEqual(['192.0.2.1', '192.0.2.9'])
  await resolver.lookUp('name.test').pending
  found.clear()
  resolver.release([])
  time.advance(60_000)
  expect(hosts()).toEqual(['192.0.2.1', '192.0.2.9'])
  await resolver.lookUp('name.test').pending
  expect(hosts()).toEqual(['192.0.2.9'])
})
