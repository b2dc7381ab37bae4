import { expect, test } from 'vitest'
import { buildExchange } from '../../../test/harness/build-target.ts'
import { createFakeTime } from '../../../test/harness/fake-time.ts'
import { entityNamed } from '../../entities/entities.ts'
import { roundRobin } from './balancers.ts'
import { PoolMemory, openPool } from './open-pool.ts'
import { openResolver } from './resolver.ts'
import type { Target } from './target.ts'

/** A pool of two targets that take one exchange each. */
function openTwo(threshold = 0) {
  const { clock } = createFakeTime()
  const failing = { unhealthy: { http_failures: 1, tcp_failures: 1, timeouts: 1 } }
  const memory = new PoolMemory()
  const pool = openPool(
    {
      id: 'u',
      targets: [1, 2].map((port) => ({ host: '192.0.2.1', port, weight: 50, failover: false })),
      balancer: roundRobin,
      upstream: entityNamed('upstream').fields.parse({
        name: 'u',
        healthchecks: { passive: failing, threshold },
      }),
      certificate: undefined,
    },
    memory,
    {
      clock,
      resolver: openResolver(() => Promise.reject(new Error('no lookup')), clock),
      limits: { inFlight: 1, waiting: 1 },
    },
  )
  return { pool, memory }
}

test('gives a released target to the first waiting exchange, unless it is ejected', async () => {
  const { pool, memory } = openTwo()
  const a = pool.take(buildExchange(), 0) as Target
  const b = pool.take(buildExchange(), 0) as Target
  expect(a).not.toBe(b)
  const waiting = pool.take(buildExchange(), 600_000)
  expect(() => pool.take(buildExchange(), 0)).toThrow('busy')
  pool.failed(a, 'broken')
  pool.release(a)
  expect([memory.queue.length, a.state.inFlight]).toEqual([1, 0])
  pool.release(b)
  expect(await waiting).toBe(b)
  expect([memory.queue.length, b.state.inFlight]).toEqual([0, 1])
})

test('has no available target while the healthy share is not above the threshold', () => {
  const takeAfterFailure = (threshold: number): (() => unknown) => {
    const { pool } = openTwo(threshold)
    pool.failed(pool.take(buildExchange(), 0) as Target, 'broken')
    return () => pool.take(buildExchange(), 0)
  }
  expect(takeAfterFailure(49)).not.toThrow()
  expect(takeAfterFailure(50)).toThrow('failure to get a peer')
})
