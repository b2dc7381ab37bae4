import { expect, test } from 'vitest'
import { holdTime } from '../../../test/harness/held-time.ts'
import { atOnce } from '../../lib/in-slices.ts'
import { entityNamed } from '../../entities/entities.ts'
import { roundRobin } from '../balance/round-robin.ts'
import { keepPools } from '../keep-pools.ts'
import type { Probe } from './probe-peer.ts'

/** A watched pool of `count` peers whose probes the test answers. */
function watch(count: number, active: Record<string, unknown>) {
  const time = holdTime()
  const asked: { peer: string; answer: (status: number) => void; signal: AbortSignal }[] = []
  const probe: Probe = ({ peer }, signal) =>
    new Promise((answer) => void asked.push({ peer: peer.target, answer, signal }))
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
  const stop = atOnce(keeper.watch([pool]))
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
  const healths = (): string[] =>
    keeper.health().flatMap(({ targets }) => targets.map(({ health }) => health))
  return { time, asked, stop, turn, healths }
}

test('no more are asked at a time than configured, and nobody twice at a time', async () => {
  const { time, asked, turn } = watch(5, { concurrency: 2, healthy: { interval: 1 } })
  time.pass(1_000)
  expect(asked.map(({ peer }) => peer)).toEqual(['192.0.2.1:1', '192.0.2.1:2'])
  time.pass(5_000)
  expect(asked).toHaveLength(2)
  for (let answered = 0; answered < 5; answered += 1) {
    asked[answered]?.answer(200)
    await turn()
    expect(asked.length - answered - 1).toBeLessThanOrEqual(2)
  }
  expect(new Set(asked.map(({ peer }) => peer)).size).toBe(5)
  time.pass(1_000)
  expect(asked).toHaveLength(7)
})

test('healthy and unhealthy peers are each asked at their own interval', async () => {
  const { time, asked, turn, healths } = watch(2, {
    healthy: { interval: 10, successes: 1 },
    unhealthy: { interval: 1, http_failures: 1 },
  })
  time.pass(9_999)
  expect(asked).toHaveLength(0)
  time.pass(1)
  asked[0]?.answer(500)
  asked[1]?.answer(200)
  await turn()
  expect(healths()).toEqual(['UNHEALTHY', 'HEALTHY'])
  time.pass(1_000)
  expect(asked.slice(2).map(({ peer }) => peer)).toEqual(['192.0.2.1:1'])
  asked[2]?.answer(302)
  await turn()
  expect(healths()).toEqual(['HEALTHY', 'HEALTHY'])
})

test('after the end nothing is asked, and what is answered late counts for nothing', async () => {
  const { time, asked, stop, turn } = watch(1, {
    healthy: { interval: 1 },
    unhealthy: { http_failures: 1 },
  })
  time.pass(1_000)
  stop()
  expect(asked[0]?.signal.aborted).toBe(true)
  asked[0]?.answer(500)
  await turn()
  expect(time.running).toBe(0)
  time.pass(10_000)
  expect(asked).toHaveLength(1)
})
