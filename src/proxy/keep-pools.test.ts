import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import {
  openPoolKeeper,
  planOf,
  type PoolSpec,
  type UpstreamPlan,
} from '../../test/harness/open-pool-keeper.ts'
import { runToCompletion, yieldToEventLoop } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { roundRobin } from './balance/balancers.ts'
import type { Pool, PoolPlan } from './balance/open-pool.ts'
import { newTargetState, type TargetState } from './balance/target.ts'
import type { HealthResult } from './health/health.ts'

const mapOf = (...pools: Pool[]): RadixMap<Pool> =>
  RadixMap.from(pools.map((pool) => [pool.plan.id, pool]))

const statesOf = (pool: Pool): Map<string, TargetState> =>
  new Map(pool.targets().map(({ key, state }) => [key, state]))

type Step =
  | {
      readonly type: 'watch'
      /** Number of programs since the one that this was made from; more than 0 when later ones were rejected. */
      readonly since: number
      readonly changes: readonly (PoolSpec | { readonly remove: string })[]
      /** Number of timers that start before one fails. */
      readonly startsLeft?: number | undefined
    }
  | { readonly type: 'close'; readonly at: number }
  | { readonly type: 'override'; readonly targets: PoolSpec; readonly healthy: boolean }

const spec: fc.Arbitrary<PoolSpec> = fc.record({
  id: fc.constantFrom('u0', 'u0', 'u1'),
  hosts: fc.uniqueArray(fc.constantFrom('a.test', 'b.test', '192.0.2.8'), { minLength: 1 }),
  weight: fc.constantFrom(0, 1, 2),
  interval: fc.constantFrom(undefined, 0, 1, 5),
  path: fc.constantFrom('/a', '/b'),
  failures: fc.constantFrom(0, 1),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('watch' as const),
      since: fc.constantFrom(0, 0, 1, 2),
      changes: fc.array(fc.oneof(spec, spec, fc.record({ remove: spec.map(({ id }) => id) })), {
        maxLength: 3,
      }),
      startsLeft: fc.option(fc.nat(3), { nil: undefined, freq: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('close' as const), at: fc.nat(3) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('override' as const),
      targets: spec,
      healthy: fc.boolean(),
    }),
  },
)

const change = (since: number, ...changes: PoolSpec[]): Step => ({ type: 'watch', since, changes })

const both: PoolSpec = { id: 'u0', hosts: ['a.test', '192.0.2.8'], interval: 1 }
const eject: Step = { type: 'override', targets: both, healthy: false }

/** Cases that random steps rarely produce: targets and names that return after a rejected program, removed targets, checks that end, checks of several pools of which one cannot start. */
const examples: [Step[]][] = [
  [[change(0, both), change(0, { ...both, hosts: ['a.test'] }), change(1)]],
  [[change(0, both), change(0, { ...both, hosts: ['192.0.2.8'] }), change(1)]],
  [[change(0, both), eject, change(0, { ...both, hosts: ['a.test'] })]],
  [[change(0, both), eject, change(0, { ...both, interval: 0 })]],
  [[{ type: 'watch', since: 0, changes: [both, { ...both, id: 'u1' }], startsLeft: 3 }]],
]

/** Follows what a keeper watches, and compares it with a keeper that was opened a moment ago. */
function openModel() {
  const opened = openPoolKeeper()
  const touched = new Set<string>()
  const violations: string[] = []
  const expectEqual = (what: string, actual: unknown, expected: unknown): void => {
    if (isDeepStrictEqual(actual, expected)) return
    violations.push(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`)
  }
  const { keeper, counts } = opened
  /** A pool that reports its use. */
  const open = (plan: PoolPlan): Pool =>
    new Proxy(keeper.open(plan), {
      get(pool, name, receiver): unknown {
        touched.add(pool.plan.id)
        return Reflect.get(pool, name, receiver)
      },
    })
  const others = Array.from({ length: 33 }, (_, index) =>
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
    const isFailing = startsLeft < expectedStarts
    let stop: (() => void) | undefined
    try {
      stop = opened.watch(next)
    } catch (error) {
      expectEqual('error', [String(error), isFailing], ['Error: planted: timer', true])
      expectEqual('timers after a failure', [...opened.running], timers)
    }
    const keys = new Set(differences.map(({ key }) => key))
    expectEqual(
      'touched',
      [...touched].filter((id) => !keys.has(id)),
      [],
    )
    if (stop === undefined) return
    stops.push((latest = stop))
    watched = next
    expectEqual('started timers', [counts.started, isFailing], [expectedStarts, false])
    for (const { pool, states } of kept)
      for (const [key, state] of statesOf(pool)) {
        expectEqual(`kept ${key}`, state === (states.get(key) ?? state), true)
        const isHealthy = !isChecked(pool) || (healths.get(state) ?? true)
        expectEqual(`health of ${key}`, state.health.healthy, isHealthy)
      }
  }

  return {
    keeper,
    /** Watches a program made from an earlier one. */
    change(
      since: number,
      changes: readonly (PoolSpec | { remove: string })[],
      startsLeft?: number,
    ) {
      let next = programs.at(-1 - since) ?? mapOf(...others)
      for (const one of changes)
        next = 'remove' in one ? next.without(one.remove) : next.with(one.id, open(planOf(one)))
      watch(next, startsLeft)
      if (watched === next) programs.push(next)
    },
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
    /** Returns what differs from a new keeper. */
    async compare(): Promise<string[]> {
      const fresh = openPoolKeeper()
      const copies = [...watched.values()].map(({ plan }) => fresh.keeper.open(plan))
      fresh.watch(mapOf(...copies))
      await yieldToEventLoop()
      for (const pool of watched.values())
        for (const { key, host, port, state } of pool.targets()) {
          const [target = ''] = key.split(' ')
          const address = `${host}:${port}`
          const { healthy } = state.health
          fresh.keeper.overrideHealth({ upstream: pool.plan.id, target, address, healthy })
        }
      const timersOf = ({ running }: typeof opened): number[] =>
        [...running.values()].toSorted((a, b) => a - b)
      const healthOf = (one: typeof opened): unknown =>
        one.keeper.health().toSorted((a, b) => (a.upstream < b.upstream ? -1 : 1))
      expectEqual('timers', timersOf(opened), timersOf(fresh))
      expectEqual('probes', await opened.probeAll(), await fresh.probeAll())
      expectEqual('health', healthOf(opened), healthOf(fresh))
      for (const pool of watched.values()) {
        const states = statesOf(pool)
        const known = keeper.open(pool.plan).memory.states
        for (const [key, state] of states)
          expectEqual(`state of ${key}`, known.get(key) === state, true)
        // A program that was never watched may have left states, but they are as new.
        for (const [key, state] of known)
          expectEqual(`rest ${key}`, state, states.has(key) ? state : newTargetState())
      }
      return violations
    },
    /** Ends the use of the model, because it looks names up. */
    async compareNames(): Promise<string[]> {
      watch(watched)
      const fresh = openPoolKeeper()
      fresh.watch(mapOf(...[...watched.values()].map(({ plan }) => fresh.keeper.open(plan))))
      await yieldToEventLoop()
      expectEqual('names', await opened.cachedNames(), await fresh.cachedNames())
      return violations
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
    fc.asyncProperty(fc.array(step, { maxLength: 12, size: 'max' }), async (steps) => {
      const model = openModel()
      for (const one of steps) {
        if (one.type === 'watch') model.change(one.since, one.changes, one.startsLeft)
        else if (one.type === 'close') model.close(one.at)
        else
          for (const host of one.targets.hosts)
            model.keeper.overrideHealth({
              upstream: one.targets.id,
              target: `${host}:80`,
              address: null,
              healthy: one.healthy,
            })
        await yieldToEventLoop()
        model.remember()
        expect(await model.compare()).toEqual([])
      }
      expect(await model.compareNames()).toEqual([])
    }),
    { examples },
  )
})

test.each([
  ['another pool changes', 'other', 2],
  ['its own targets change', 'own', 1],
])('checks run at their interval while %s every 100 ms', async (_, id, timers) => {
  const { keeper, time, watch, probed, running } = openPoolKeeper()
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
  const { keeper, watch, running, probeAll } = openPoolKeeper()
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

test('pools without an upstream keep nothing before their first request', () => {
  const { keeper, watch } = openPoolKeeper()
  const pool = keeper.open(planOf({ id: 's', hosts: ['192.0.2.1'] }))
  const pools = mapOf(pool, keeper.open(planOf({ id: 't', hosts: ['a.test'] })))
  watch(pools)
  watch(pools.with('s', keeper.open(planOf({ id: 's', hosts: ['192.0.2.2'] }))))
  expect([...pools.values()].map(({ memory }) => memory.isUsed)).toEqual([false, false])
  expect(pool.targets()).toHaveLength(1)
  expect(pool.memory.isUsed).toBe(true)
})

test('compares again when the previous program is closed between two slices', () => {
  const { keeper, watch, running } = openPoolKeeper()
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

test('a probe in flight continues when its pool is replaced, and counts while the target exists', async () => {
  const answers = new Map<string, (result: HealthResult) => void>()
  const { keeper, watch, time, probed } = openPoolKeeper(
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

test.each<[string, number, (plan: UpstreamPlan) => Partial<UpstreamPlan>]>([
  [
    'the Host of probes',
    2,
    ({ upstream }) => ({ upstream: { ...upstream, host_header: 'h.test' } }),
  ],
  ['the certificate of probes', 2, () => ({ certificate: { cert: 'd', key: 'k' } })],
  ['the key of probes', 2, () => ({ certificate: { cert: 'c', key: 'l' } })],
  ['the balancer', 0, () => ({ balancer: { ...roundRobin } })],
  ['the name', 0, ({ upstream }) => ({ upstream: { ...upstream, name: 'v' } })],
  ['the threshold', 0, ({ upstream }) => ({ upstream: { ...upstream, threshold: 50 } })],
  ['weights', 0, ({ targets }) => ({ targets: targets.map((one) => ({ ...one, weight: 2 })) })],
])('a change of %s starts %d timers', (_, expected, change) => {
  const { keeper, counts, watch, running } = openPoolKeeper()
  const plan = {
    ...planOf({ id: 'u', hosts: ['192.0.2.1'], interval: 1 }),
    certificate: { cert: 'c', key: 'k' },
  } as UpstreamPlan
  watch(mapOf(keeper.open(plan)))
  const before = counts.started
  watch(mapOf(keeper.open({ ...plan, ...change(plan) })))
  expect([counts.started - before, running.size]).toEqual([expected, 2])
})
