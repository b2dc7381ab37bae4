import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'
import { buildExchange } from '../../test/harness/build-target.ts'
import { systemClock } from '../lib/clock.ts'
import { yieldToEventLoop } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import { HeaderList } from './header-list.ts'
import { keepPools } from './keep-pools.ts'
import { definePlugin } from './plugin.ts'
import { compileProgram, type Program } from './program.ts'

/** A view of a snapshot that throws at the `at`-th read of any of its members, at any depth, until it is disarmed. */
function failAtRead(snapshot: Snapshot, at: number) {
  let reads = 0
  let isArmed = true
  const wrap = (inner: object): object =>
    new Proxy(inner, {
      get(target, name, receiver) {
        if (typeof name === 'string' && Object.hasOwn(target, name) && name !== 'length') {
          reads += 1
          if (isArmed && reads === at) throw new Error(`planted: read ${at}, ${name}`)
        }
        const found: unknown = Reflect.get(target, name, receiver)
        const isPlain = typeof found !== 'object' || found === null || found instanceof RadixMap
        return isPlain ? found : wrap(found)
      },
    })
  const lists = Object.entries<RadixMap<object>>(snapshot).map(([name, list]) => {
    return [name, RadixMap.from([...list].map(([id, item]) => [id, wrap(item)] as const))] as const
  })
  return {
    value: wrap(Object.fromEntries(lists)) as Snapshot,
    disarm: () => void (isArmed = false),
  }
}

const checked = (host: string, interval = 1, number = 0): Snapshot =>
  buildTestSnapshot({
    services: [{ name: 's', host: 'u', port: 80 }],
    upstreams: [
      {
        name: 'u',
        targets: [{ target: `${host}:80`, weight: 100 }],
        healthchecks: { active: { healthy: { interval }, unhealthy: { interval } } },
      },
    ],
    routes: [
      { name: 'r', service: 's', paths: ['/'] },
      { name: 't', service: 's', protocols: ['tcp'], sources: [{ ip: '127.0.0.1' }] },
    ],
    plugins: [{ name: 'probe', config: { number } }],
    authorities: { ca: 'ca' },
  })

/** A keeper whose health checks run when the test says so. */
function openKeeper() {
  const running = new Set<() => void>()
  const probed: string[] = []
  let startsLeft = Number.POSITIVE_INFINITY
  const keeper = keepPools({
    timers: {
      every(_milliseconds, act) {
        startsLeft -= 1
        if (startsLeft < 0) throw new Error('planted: timer')
        running.add(act)
        return () => void running.delete(act)
      },
    },
    probe({ target }) {
      probed.push(target.host)
      return Promise.resolve(200)
    },
  })
  return {
    keeper,
    allowTimers: (count: number) => void (startsLeft = count),
    running: () => running.size,
    /** The addresses that one round of checks probes. */
    probe: async (): Promise<string[]> => {
      probed.length = 0
      for (const act of running) act()
      // The round is over when its promises are settled.
      await yieldToEventLoop()
      return [...probed]
    },
  }
}

function openTools(keeper: ReturnType<typeof keepPools>) {
  const open = { plugins: 0 }
  const probe = definePlugin({
    name: 'probe',
    about: 'Counts how often it is open.',
    settings: z.object({ number: z.number() }),
    trustedAuthorities: () => ['ca'],
    prepare() {
      open.plugins += 1
      return { close: () => void (open.plugins -= 1) }
    },
  })
  const counters = { take: () => ({ admitted: true, counts: [] }) }
  return { open, tools: { catalog: [probe], counters, clock: systemClock, pools: keeper } }
}

test.each([
  ['the same intervals', 1, 'from scratch'],
  ['other intervals', 2, 'from scratch'],
  ['the same intervals', 1, 'from the previous one'],
  ['other intervals', 2, 'from the previous one'],
])(
  'a program with %s that cannot be compiled, wherever it fails, leaves the previous one its health checks: %#',
  async (_, interval, base) => {
    const { keeper, probe, running } = openKeeper()
    const { open, tools } = openTools(keeper)
    const first = compileProgram(checked('127.0.0.1'), 1, tools)
    expect(await probe()).toEqual(['127.0.0.1'])
    const health = keeper.health()
    const failures = new Set<string>()
    let next: Program | undefined
    for (let at = 1; next === undefined; at += 1) {
      const { value, disarm } = failAtRead(checked('127.0.0.2', interval, 1), at)
      try {
        next = compileProgram(value, 2, tools, base === 'from scratch' ? undefined : first)
      } catch (error) {
        failures.add(String(error).replace(/.*planted: read \d+, /, ''))
      }
      disarm()
      const isOld = next === undefined
      expect(await probe(), `after read ${at}`).toEqual([isOld ? '127.0.0.1' : '127.0.0.2'])
      expect(open.plugins, 'plugins of a failed program are closed').toBe(isOld ? 1 : 2)
      expect(!isOld || isDeepStrictEqual(keeper.health(), health)).toBe(true)
    }
    first.close(next)
    next?.close()
    // Among the members are those that only the last steps read.
    for (const member of ['plugins', 'services', 'upstreams', 'routes', 'snis', 'healthchecks'])
      expect(failures).toContain(member)
    expect([running(), open.plugins]).toEqual([0, 0])
  },
)

test('health checks that cannot be started leave the previous ones', async () => {
  const { keeper, probe, allowTimers, running } = openKeeper()
  const { tools } = openTools(keeper)
  compileProgram(checked('127.0.0.1'), 1, tools)
  const health = keeper.health()
  for (const count of [0, 1]) {
    allowTimers(count)
    expect(() => compileProgram(checked('127.0.0.2', 2), 2, tools)).toThrow('planted: timer')
    expect([await probe(), running(), keeper.health()]).toEqual([['127.0.0.1'], 2, health])
  }
})

test('an upstream with the id of a service, also of another workspace, does not take its requests', () => {
  const service = { name: 'same', host: '127.0.0.1', port: 80 }
  const upstream = { name: 'same', targets: [{ target: '127.0.0.2:80', weight: 1 }] }
  const alone = buildTestSnapshot({ services: [service] })
  const both = buildTestSnapshot({ services: [service], upstreams: [upstream] })
  const moved = buildTestSnapshot({
    services: [{ ...service, port: 81 }],
    upstreams: [upstream],
  })
  const { tools } = openTools(openKeeper().keeper)
  let program: Program | undefined
  for (const [at, snapshot] of [alone, both, moved, alone].entries()) {
    program = compileProgram(snapshot, at, tools, program)
    const { services, pools } = program.tables
    const hosts = services.services.get('same')?.pool.plan.targets.map(({ host }) => host)
    expect(hosts).toEqual(['127.0.0.1'])
    expect(pools.pools.size).toBe(1 + snapshot.upstreams.size)
  }
  program?.close()
})

test.each([
  ['/x/1', 'any.test', 'x'],
  ['/x/../x/%31', 'any.test', 'x'],
  ['/x/1', 'api.y.test', 'y'],
  ['/x/1', 'api.y.test.', undefined],
  ['/x/y/1', 'any.test', undefined],
  ['/z', 'any.test', 'rest'],
])('only routes of the owner match %s on %s, regardless of others', (path, host, expected) => {
  const all = { paths: ['/', '~/.*'], headers: { 'x-v': ['1'] }, methods: ['GET'] }
  const snapshot = buildTestSnapshot({
    routes: [
      { name: 'x', paths: ['/x'] },
      { name: 'y', hosts: ['*.y.test', 'api.y.test'] },
      { name: 'rest', ...all },
    ],
  })
  const workspaces = [
    { id: 'x', name: 'x', owned_paths: ['/x'] },
    { id: 'y', name: 'y', owned_hosts: ['*.y.test'], owned_paths: ['/x/y'] },
    { id: 'rest', name: 'rest' },
  ]
  const [x, y, rest] = snapshot.routes.values()
  const routes = [x, y, rest].flatMap((route) =>
    route === undefined ? [] : [[route.id, { ...route, workspace: String(route.name) }] as const],
  )
  const owned = {
    ...snapshot,
    workspaces: RadixMap.from(workspaces.map((one) => [one.id, one] as const)),
    routes: RadixMap.from(routes),
  }
  const { router } = compileProgram(owned, 1, openTools(openKeeper().keeper).tools)
  const headers = new HeaderList(['x-v', '1'])
  const request = { ...buildExchange({ path, host }).request, headers }
  expect(router.match(request)?.route.route.name).toBe(expected)
})
