import { expect, test } from 'vitest'
import { createFakeTime } from '../../../test/harness/fake-time.ts'
import { runToCompletion } from '../../lib/cooperative-task.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import { entityNamed } from '../../entities/entities.ts'
import { roundRobin } from '../balance/balancers.ts'
import { keepPools } from '../keep-pools.ts'
import type { Probe } from './probe-target.ts'

/** A watched pool of `count` targets whose probes the test answers. */
function watch(count: number, active: Record<string, unknown>) {
  const time = createFakeTime()
  const asked: { target: string; answer: (status: number) => void; signal: AbortSignal }[] = []
  const probe: Probe = ({ target }, signal) =>
    new Promise((answer) => void asked.push({ target: target.hostPort, answer, signal }))
  const keeper = keepPools({ clock: time.clock, timers: time.timers, probe })
  const pool = keeper.open({
    id: 'u',
    targets: Array.from({ length: count }, (_, index) => ({
      host: '192.0.2.1',
      port: index + 1,
      weight: 1,
      failover: false,
    })),
    balancer: roundRobin,
    upstream: entityNamed('upstream').fields.parse({ name: 'u', healthchecks: { active } }),
    certificate: undefined,
  })
  const stop = runToCompletion(keeper.watch(RadixMap.from([['u', pool]])))
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
  const healths = (): string[] =>
    keeper.health().flatMap(({ targets }) => targets.map(({ health }) => health))
  return { time, asked, stop, turn, healths, pool }
}

test('limits concurrent probes, and does not probe a target twice at a time', async () => {
  const { time, asked, turn } = watch(5, { concurrency: 2, healthy: { interval: 1 } })
  time.advance(1_000)
  expect(asked.map(({ target }) => target)).toEqual(['192.0.2.1:1', '192.0.2.1:2'])
  time.advance(5_000)
  expect(asked).toHaveLength(2)
  for (let answered = 0; answered < 5; answered += 1) {
    asked[answered]?.answer(200)
    await turn()
    expect(asked.length - answered - 1).toBeLessThanOrEqual(2)
  }
  expect(new Set(asked.map(({ target }) => target)).size).toBe(5)
  time.advance(1_000)
  expect(asked).toHaveLength(7)
})

test('probes healthy and unhealthy targets at their own intervals', async () => {
  const { time, asked, turn, healths } = watch(2, {
    healthy: { interval: 10, successes: 1 },
    unhealthy: { interval: 1, http_failures: 1 },
  })
  time.advance(9_999)
  expect(asked).toHaveLength(0)
  time.advance(1)
  asked[0]?.answer(500)
  asked[1]?.answer(200)
  await turn()
  expect(healths()).toEqual(['UNHEALTHY', 'HEALTHY'])
  time.advance(1_000)
  expect(asked.slice(2).map(({ target }) => target)).toEqual(['192.0.2.1:1'])
  asked[2]?.answer(302)
  await turn()
  expect(healths()).toEqual(['HEALTHY', 'HEALTHY'])
})

test('starts no probe after a stop, and ignores late results', async () => {
  const { time, asked, stop, turn, pool } = watch(1, {
    healthy: { interval: 1 },
    unhealthy: { http_failures: 1 },
  })
  time.advance(1_000)
  stop()
  expect(asked[0]?.signal.aborted).toBe(true)
  asked[0]?.answer(500)
  await turn()
  expect(pool.targets().map(({ state }) => state.health.healthy)).toEqual([true])
  expect(time.running).toBe(0)
  time.advance(10_000)
  expect(asked).toHaveLength(1)
})

test('does not probe a draining target, and a target is healthy while one of its addresses is', async () => {
  const time = createFakeTime()
  const probed: string[] = []
  const keeper = keepPools({
    clock: time.clock,
    timers: time.timers,
    lookUp: () =>
      Promise.resolve({
        addresses: ['192.0.2.1', '192.0.2.2'].map((host) => ({ host, alternatives: [] })),
        ttl: 3_600,
      }),
    probe: ({ target: { host, port } }) => {
      probed.push(`${host}:${port}`)
      return Promise.resolve(host === '192.0.2.1' ? 200 : 500)
    },
  })
  const active = { healthy: { interval: 1 }, unhealthy: { http_failures: 1 } }
  const pool = keeper.open({
    id: 'u',
    targets: [
      { host: 'two.example', port: 80, weight: 1, failover: false },
      { host: '192.0.2.3', port: 81, weight: 0, failover: false },
    ],
    balancer: roundRobin,
    upstream: entityNamed('upstream').fields.parse({ name: 'u', healthchecks: { active } }),
    certificate: undefined,
  })
  runToCompletion(keeper.watch(RadixMap.from([['u', pool]])))
  await pool.ready()
  time.advance(1_000)
  await new Promise((resolve) => void setImmediate(resolve))
  expect(probed).toEqual(['192.0.2.1:80', '192.0.2.2:80'])
  const [found] = keeper.health()
  expect(found?.targets.map(({ target, health }) => [target, health])).toEqual([
    ['two.example:80', 'HEALTHY'],
    ['192.0.2.3:81', 'HEALTHY'],
  ])
  expect(found?.targets[0]?.addresses.map(({ health }) => health)).toEqual(['HEALTHY', 'UNHEALTHY'])
})
