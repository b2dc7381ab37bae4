import { entityNamed } from '../../src/entities/entities.ts'
import { runToCompletion, yieldToEventLoop } from '../../src/lib/cooperative-task.ts'
import type { RadixMap } from '../../src/lib/radix-map.ts'
import { roundRobin } from '../../src/proxy/balance/balancers.ts'
import type { Pool, PoolPlan } from '../../src/proxy/balance/open-pool.ts'
import type { Probe } from '../../src/proxy/health/probe-target.ts'
import { keepPools } from '../../src/proxy/keep-pools.ts'
import type { UpstreamSettings } from '../../src/schema/snapshot.ts'
import { createFakeTime } from './fake-time.ts'

const addresses = new Map([
  ['a.test', '192.0.2.1'],
  ['b.test', '192.0.2.2'],
])

/** A PoolKeeper whose timers the test fires and whose probes it answers, and which counts what it does. */
export function openPoolKeeper(probe: Probe = () => Promise.resolve(299)) {
  const time = createFakeTime()
  const running = new Map<() => void, number>()
  const asked: string[] = []
  const probed: string[] = []
  const counts = { started: 0, startsLeft: Number.POSITIVE_INFINITY }
  const keeper = keepPools({
    clock: time.clock,
    timers: {
      every(milliseconds, act) {
        if (counts.startsLeft === 0) throw new Error('planted: timer')
        counts.startsLeft -= 1
        counts.started += 1
        const stop = time.timers.every(milliseconds, act)
        running.set(act, milliseconds)
        return () => {
          stop()
          running.delete(act)
        }
      },
    },
    lookUp(name) {
      asked.push(name)
      const host = addresses.get(name) ?? ''
      return Promise.resolve({ addresses: [{ host, alternatives: [] }], ttl: 86_400 })
    },
    probe(request, ...rest) {
      probed.push(`${request.target.key} ${request.upstream.healthchecks.active.http_path}`)
      return probe(request, ...rest)
    },
  })
  return {
    keeper,
    time,
    counts,
    probed,
    running,
    watch: (pools: RadixMap<Pool>) => runToCompletion(keeper.watch(pools)),
    /** The targets that all timers together probe. */
    async probeAll(this: void): Promise<string[]> {
      probed.length = 0
      for (const act of running.keys()) act()
      await yieldToEventLoop()
      return probed.toSorted()
    },
    /** The names that are not looked up again. */
    async cachedNames(this: void): Promise<string[]> {
      asked.length = 0
      keeper.open(planOf({ id: 'reader', hosts: [...addresses.keys()] })).targets()
      await yieldToEventLoop()
      return [...addresses.keys()].filter((name) => !asked.includes(name))
    },
  }
}

/** The plan of a pool of an upstream. */
export type UpstreamPlan = PoolPlan & { readonly upstream: UpstreamSettings }

export type PoolSpec = {
  readonly id: string
  readonly hosts: readonly string[]
  readonly weight?: number
  /** Seconds; without it there is no upstream. */
  readonly interval?: number | undefined
  readonly path?: string
  readonly failures?: number
}

const settings = new Map<string, UpstreamSettings>()

/** The plan of a pool; its settings are equal to those of other plans, but never identical. */
export function planOf({
  id,
  hosts,
  weight = 1,
  interval,
  path = '/',
  failures = 0,
}: PoolSpec): PoolPlan {
  const kind = `${interval} ${path} ${failures}`
  const upstream =
    settings.get(kind) ??
    entityNamed('upstream').fields.parse({
      name: 'u',
      healthchecks: {
        active: {
          http_path: path,
          healthy: { interval, successes: 1 },
          unhealthy: { interval, http_failures: 1 },
        },
        passive: { unhealthy: { http_failures: failures } },
      },
    })
  settings.set(kind, upstream)
  return {
    id,
    targets: hosts.map((host) => ({ host, port: 80, weight, failover: false })),
    balancer: roundRobin,
    upstream: interval === undefined ? undefined : structuredClone(upstream),
    certificate: undefined,
  }
}
