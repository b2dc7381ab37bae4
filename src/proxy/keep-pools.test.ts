import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { createFakeTime } from '../../test/harness/fake-time.ts'
import { entityNamed } from '../entities/entities.ts'
import { runToCompletion, yieldToEventLoop } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import type { UpstreamSettings } from '../schema/snapshot.ts'
import { roundRobin } from './balance/balancers.ts'
import type { Pool, PoolPlan } from './balance/open-pool.ts'
import { newTargetState, type TargetState } from './balance/target.ts'
import type { HealthResult } from './health/health.ts'
import type { Probe } from './health/probe-target.ts'
import { keepPools } from './keep-pools.ts'

const addresses = new Map([
  ['a.test', '192.0.2.1'],
  ['b.test', '192.0.2.2'],
  ['c.test', '192.0.2.3'],
])

/** A keeper whose timers and probes the test holds, and which counts what it does. */
function openKeeper(probe: Probe = () => Promise.resolve(299)) {
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
    async probeAll(): Promise<string[]> {
      probed.length = 0
      for (const act of running.keys()) act()
      await yieldToEventLoop()
      return probed.toSorted()
    },
    /** The names that are not looked up again. */
    async cachedNames(): Promise<string[]> {
      asked.length = 0
      keeper.open(planOf({ id: 'reader', hosts: [...addresses.keys()] })).targets()
      await yieldToEventLoop()
      return [...addresses.keys()].filter((name) => !asked.includes(name))
    },
  }
}

type Spec = {
  readonly id: string
  readonly hosts: readonly string[]
  readonly weight?: number
  /** Seconds; without it there is no upstream. */
  readonly interval?: number | undefined
  readonly path?: string
  readonly failures?: number
}

const settings = new Map<string, UpstreamSettings>()

function planOf({ id, hosts, weight = 1, interval, path = '/', failures = 0 }: Spec): PoolPlan {
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
    // As after each change of an upstream, the settings are equal but not identical.
    upstream: interval === undefined ? undefined : structuredClone(upstream),
    certificate: undefined,
  }
}

const mapOf = (...pools: Pool[]): RadixMap<Pool> =>
  RadixMap.from(pools.map((pool) => [pool.plan.id, pool]))

const statesOf = (pool: Pool): Map<string, TargetState> =>
  new Map(pool.targets().map(({ key, state }) => [key, state]))

const spec = fc.record({
  id: fc.constantFrom('u0', 'u1', 'u2', 'u3'),
  hosts: fc.uniqueArray(fc.constantFrom(...addresses.keys(), '192.0.2.8', '192.0.2.9'), {
    minLength: 1,
    maxLength: 4,
  }),
  weight: fc.constantFrom(0, 1, 2),
  interval: fc.constantFrom(undefined, 0, 1, 5),
  path: fc.constantFrom('/a', '/b'),
  failures: fc.constantFrom(0, 1),
})

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('watch' as const),
      /** How many programs ago is the one that this was made from; more than 0 when those since were rejected. */
      since: fc.constantFrom(0, 0, 0, 1, 2),
      changes: fc.array(fc.oneof(spec, spec, fc.record({ remove: spec.map(({ id }) => id) })), {
        maxLength: 4,
      }),
      /** How many timers start before one fails. */
      startsLeft: fc.constantFrom(undefined, undefined, 0, 1, 2, 3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('close' as const), at: fc.nat(3) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('override' as const),
      target: spec,
      healthy: fc.boolean(),
    }),
  },
)

/** Follows what a keeper watches, and compares it with a keeper that was opened a moment ago. */
function openModel() {
  const opened = openKeeper()
  const touched = new Set<string>()
  const { keeper, counts } = opened
  /** A pool that reports its use. */
  const open = (plan: PoolPlan): Pool =>
    new Proxy(keeper.open(plan), {
      get(pool, name, receiver): unknown {
        touched.add(pool.plan.id)
        return Reflect.get(pool, name, receiver)
      },
    })
  const others = Array.from({ length: 40 }, (_, index) =>
    open(planOf({ id: `s${index}`, hosts: [`198.51.100.${index}`] })),
  )
  const programs = [mapOf(...others)]
  const stops: (() => void)[] = []
  let watched = RadixMap.empty<Pool>()
  let latest: (() => void) | undefined
  /** The states of a pool when it was watched last. */
  const last = new WeakMap<Pool, Map<string, TargetState>>()

  /** Returns what the pool must have kept. */
  const expectedStates = (pool: Pool, before: Pool | undefined): Map<string, TargetState> =>
    last.get(pool) ?? (before && last.get(before)) ?? new Map<string, TargetState>()

  const watch = (next: RadixMap<Pool>, startsLeft = Number.POSITIVE_INFINITY): void => {
    const differences = [...watched.differencesTo(next)]
    const kept = differences.flatMap(({ before, after }) =>
      after === undefined ? [] : [{ pool: after, states: expectedStates(after, before) }],
    )
    const healths = new Map(
      kept.flatMap(({ states }) => [...states.values()].map((one) => [one, one.health.healthy])),
    )
    const expectedStarts = differences
      .map(({ before, after }) => startsOf(before, after))
      .reduce((sum, count) => sum + count, 0)
    const timers = [...opened.running]
    counts.started = 0
    counts.startsLeft = startsLeft
    touched.clear()
    if (startsLeft < expectedStarts) {
      expect(() => opened.watch(next)).toThrow('planted: timer')
      expect([...opened.running]).toEqual(timers)
      return
    }
    stops.push((latest = opened.watch(next)))
    watched = next
    expect(counts.started).toBe(expectedStarts)
    const keys = differences.map(({ key }) => key)
    expect([...touched].filter((id) => !keys.includes(id))).toEqual([])
    for (const { pool, states } of kept)
      for (const [key, state] of statesOf(pool)) {
        const had = states.get(key)
        if (had !== undefined) expect(state, key).toBe(had)
        expect(state.health.healthy).toBe(!isChecked(pool) || (healths.get(state) ?? true))
      }
  }

  return {
    keeper,
    /** Watches a program made from an earlier one. */
    change(since: number, changes: readonly (Spec | { remove: string })[], startsLeft?: number) {
      let next = programs.at(-1 - since) ?? mapOf(...others)
      for (const one of changes)
        next = 'remove' in one ? next.without(one.remove) : next.with(one.id, open(planOf(one)))
      watch(next, startsLeft)
      if (watched === next) programs.push(next)
    },
    rewatch: () => watch(watched),
    close(at: number) {
      const stop = stops[at]
      stop?.()
      if (stop === undefined || stop !== latest) return
      watched = RadixMap.empty()
      latest = undefined
    },
    remember() {
      for (const pool of watched.values()) last.set(pool, statesOf(pool))
    },
    async expectEqualsNew() {
      const fresh = openKeeper()
      const copies = [...watched.values()].map(({ plan }) => fresh.keeper.open(plan))
      fresh.watch(mapOf(...copies))
      await yieldToEventLoop()
      for (const { plan, targets } of watched.values())
        for (const { key, host, port, state } of targets())
          if (!state.health.healthy) {
            const [target = ''] = key.split(' ')
            const address = `${host}:${port}`
            fresh.keeper.overrideHealth({ upstream: plan.id, target, address, healthy: false })
          }
      const sorted = (one: typeof keeper): unknown =>
        one.health().toSorted((a, b) => (a.upstream < b.upstream ? -1 : 1))
      expect([...opened.running.values()].toSorted()).toEqual(
        [...fresh.running.values()].toSorted(),
      )
      expect(await opened.probeAll()).toEqual(await fresh.probeAll())
      expect(sorted(keeper)).toEqual(sorted(fresh.keeper))
      for (const pool of watched.values()) {
        // A pool that was never watched may have left states, but they are as new.
        const states = statesOf(pool)
        const { memory } = keeper.open(pool.plan)
        for (const [key, state] of memory.states)
          if (!states.has(key)) expect(state).toEqual(newTargetState())
        for (const [key, state] of states) expect(memory.states.get(key)).toBe(state)
      }
      return async () => expect(await opened.cachedNames()).toEqual(await fresh.cachedNames())
    },
  }
}

const isChecked = ({ plan: { upstream } }: Pool): boolean =>
  upstream !== undefined &&
  (upstream.healthchecks.active.healthy.interval > 0 ||
    upstream.healthchecks.passive.unhealthy.http_failures > 0)

/** The timers that a step from one pool to another starts. */
function startsOf(before: Pool | undefined, after: Pool | undefined): number {
  const active = after?.plan.upstream?.healthchecks.active
  if (active === undefined || active.healthy.interval === 0) return 0
  return isDeepStrictEqual(active, before?.plan.upstream?.healthchecks.active) ? 0 : 2
}

test('after any changes, rejected programs and failures there are the checks, names and states that a new keeper would have, at the cost of what differs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const model = openModel()
      for (const one of steps) {
        if (one.type === 'watch') model.change(one.since, one.changes, one.startsLeft)
        else if (one.type === 'close') model.close(one.at)
        else
          model.keeper.overrideHealth({
            upstream: one.target.id,
            target: `${one.target.hosts[0]}:80`,
            address: null,
            healthy: one.healthy,
          })
        await yieldToEventLoop()
        model.remember()
        await model.expectEqualsNew()
      }
      model.rewatch()
      const expectEqualNames = await model.expectEqualsNew()
      await expectEqualNames()
    }),
  )
})

test.each([
  ['another pool changes', 'other', 2],
  ['its own targets change', 'own', 1],
])('checks run at their interval while %s every 100 ms', async (_, id, timers) => {
  const { keeper, time, watch, probed, running } = openKeeper()
  const own = keeper.open(planOf({ id: 'own', hosts: ['192.0.2.1'], interval: 1, path: '/own' }))
  let pools = mapOf(own)
  for (let change = 0; change < 50; change += 1) {
    const interval = 1 + (id === 'own' ? 0 : change % 2)
    const hosts = ['192.0.2.1', ...(change % 2 === 0 ? ['192.0.2.2'] : [])]
    const path = id === 'own' ? '/own' : '/other'
    pools = pools.with(id, keeper.open(planOf({ id, hosts, weight: change + 1, interval, path })))
    watch(pools)
    time.advance(100)
    await yieldToEventLoop()
  }
  expect(probed.filter((one) => one === '192.0.2.1:80 192.0.2.1:80 /own')).toHaveLength(5)
  expect(running.size).toBe(2 * timers)
})

test('closing an older program leaves the checks of a newer one, even with the same pools', async () => {
  const { keeper, watch, running, probeAll } = openKeeper()
  const pools = mapOf(keeper.open(planOf({ id: 'u', hosts: ['a.test'], interval: 1 })))
  const stops = [watch(pools), watch(pools), watch(pools)]
  await yieldToEventLoop()
  stops[0]?.()
  stops[1]?.()
  expect(await probeAll()).toHaveLength(1)
  stops[2]?.()
  expect([running.size, keeper.health()]).toEqual([0, []])
  watch(pools)
  stops[2]?.()
  expect(running.size).toBe(2)
})

test('compares again when the program before is closed while a slice is awaited', () => {
  const { keeper, watch, running } = openKeeper()
  const shared = keeper.open(planOf({ id: 'u', hosts: ['192.0.2.1'], interval: 1 }))
  const close = watch(mapOf(shared))
  const task = keeper.watch(
    mapOf(shared, keeper.open(planOf({ id: 'v', hosts: ['192.0.2.2'], interval: 5 }))),
  )
  task.next()
  close()
  expect(running.size).toBe(0)
  runToCompletion(task)
  expect([...running.values()]).toEqual([1_000, 1_000, 5_000, 5_000])
})

test('a probe in flight goes on when its pool is replaced, and counts while the target is there', async () => {
  const answers = new Map<string, (result: HealthResult) => void>()
  const { keeper, watch, time, probed } = openKeeper(
    ({ target }) => new Promise((answer) => void answers.set(target.host, answer)),
  )
  const open = (...hosts: string[]): Pool => keeper.open(planOf({ id: 'u', hosts, interval: 1 }))
  const first = open('192.0.2.1', '192.0.2.2')
  watch(mapOf(first))
  time.advance(1_000)
  const second = open('192.0.2.1', '192.0.2.3')
  watch(mapOf(second))
  for (const answer of answers.values()) answer(500)
  await yieldToEventLoop()
  const healths = (pool: Pool): boolean[] => pool.targets().map(({ state }) => state.health.healthy)
  expect([healths(first), healths(second)]).toEqual([
    [false, true],
    [false, true],
  ])
  time.advance(1_000)
  expect(probed.map((one) => one.split(':')[0])).toEqual([
    '192.0.2.1',
    '192.0.2.2',
    '192.0.2.3',
    '192.0.2.1',
  ])
})
