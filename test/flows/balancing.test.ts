import { expect, test } from 'vitest'
import { trialDelay } from '../../src/proxy/health/circuit-breaker.ts'
import { heartbeat } from '../../src/schema/node-protocol.ts'
import { createFakeTime } from '../harness/fake-time.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { countAnswers, poolSnapshot, startTarget } from '../harness/pool-fixtures.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const passive = (unhealthy: object, more: object = {}) => ({
  healthchecks: { passive: { unhealthy }, ...more },
})

test('distributes requests exactly by weight, also after a change of weight', async () => {
  const [a, b] = [await startTarget('a'), await startTarget('b')]
  const gateway = await openGateway(poolSnapshot([a.at(30), b.at(10)]))
  const first = await countAnswers(gateway, 40)
  expect([first('a'), first('b')]).toEqual([30, 10])
  gateway.reconfigure(poolSnapshot([a.at(10), b.at(10)]))
  const second = await countAnswers(gateway, 20)
  expect([second('a'), second('b')]).toEqual([10, 10])
  gateway.reconfigure(poolSnapshot([a.at(10), b.at(0)]))
  expect((await countAnswers(gateway, 10))('a')).toBe(10)
})

test('ejects a failing target, sends it one trial request, and recovers it', async () => {
  const time = createFakeTime()
  const [good, bad] = [await startTarget('good'), await startTarget('bad')]
  const words = poolSnapshot([good.at(1), bad.at(1)], passive({ http_failures: 2 }))
  const gateway = await openGateway(words, { clock: time.clock })
  const healthOf = ({ port }: { port: number }) =>
    gateway.pools.health()[0]?.targets.find(({ target }) => target === `127.0.0.1:${port}`)?.health
  bad.behavior.status = 503
  await countAnswers(gateway, 4)
  expect([healthOf(good), healthOf(bad), bad.behavior.calls]).toEqual(['HEALTHY', 'UNHEALTHY', 2])
  await countAnswers(gateway, 10)
  expect(bad.behavior.calls).toBe(2)

  gateway.reconfigure(words)
  expect(healthOf(bad)).toBe('UNHEALTHY')
  await countAnswers(gateway, 10)
  expect(bad.behavior.calls).toBe(2)

  time.advance(trialDelay.first)
  await countAnswers(gateway, 10)
  expect([healthOf(bad), bad.behavior.calls]).toEqual(['UNHEALTHY', 3])
  bad.behavior.status = 200
  time.advance(trialDelay.first)
  await countAnswers(gateway, 4)
  expect(bad.behavior.calls).toBe(3)
  time.advance(trialDelay.first)
  await countAnswers(gateway, 1)
  expect([healthOf(bad), bad.behavior.calls]).toEqual(['HEALTHY', 4])
  expect((await countAnswers(gateway, 10))('bad')).toBe(5)
})

test('keeps a target ejected that an operator set unhealthy, until it is set healthy', async () => {
  const time = createFakeTime()
  const [a, b] = [await startTarget('a'), await startTarget('b')]
  const words = poolSnapshot([a.at(1), b.at(1)], passive({ http_failures: 2 }))
  const gateway = await openGateway(words, { clock: time.clock })
  await countAnswers(gateway, 2)
  const upstream = gateway.pools.health()[0]?.upstream ?? ''
  const said = (healthy: boolean, address: string | null = null) =>
    gateway.pools.overrideHealth({ upstream, target: `127.0.0.1:${b.port}`, address, healthy })
  said(false)
  expect((await countAnswers(gateway, 10))('a')).toBe(10)
  time.advance(trialDelay.max)
  gateway.reconfigure(words)
  expect((await countAnswers(gateway, 10))('a')).toBe(10)
  said(true)
  expect((await countAnswers(gateway, 10))('b')).toBe(5)
  said(false, '127.0.0.1:1')
  expect((await countAnswers(gateway, 10))('b')).toBe(5)
})

test('returns 503 without an upstream request while the only target is ejected', async () => {
  const target = await startTarget('only')
  target.behavior.status = 500
  const gateway = await openGateway(poolSnapshot([target.at(1)], passive({ http_failures: 3 })))
  const statuses: number[] = []
  for (let request = 0; request < 5; request += 1) statuses.push((await gateway.ask('/')).status)
  expect(statuses).toEqual([500, 500, 500, 503, 503])
  expect(target.behavior.calls).toBe(3)
  expect(gateway.events.at(-1)).toMatchObject({ reason: 'upstream.no_peer', tries: 0 })
})

test('active checks eject and recover targets', async () => {
  const time = createFakeTime()
  const [good, ill] = [await startTarget('good'), await startTarget('ill')]
  const active = {
    http_path: '/status',
    headers: { 'X-Probe': ['yes'] },
    healthy: { interval: 5, successes: 2 },
    unhealthy: { interval: 5, http_failures: 2, tcp_failures: 2 },
  }
  const words = poolSnapshot([good.at(1), ill.at(1)], { healthchecks: { active } })
  const gateway = await openGateway(words, { clock: time.clock, pools: { timers: time.timers } })
  const health = () => gateway.pools.health()[0]?.targets.map((target) => target.health)
  const rounds = async (count: number): Promise<void> => {
    for (let round = 0; round < count; round += 1) {
      const before = ill.behavior.calls + good.behavior.calls
      time.advance(5_000)
      await until(
        'both were checked',
        () => ill.behavior.calls + good.behavior.calls === before + 2,
      )
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }
  expect(health()).toEqual(['HEALTHY', 'HEALTHY'])
  ill.behavior.status = 500
  await rounds(2)
  await until('it was found ill', () => health()?.[1] === 'UNHEALTHY')
  expect((await countAnswers(gateway, 6))('good')).toBe(6)
  ill.behavior.status = 200
  await rounds(2)
  await until('it was found well', () => health()?.[1] === 'HEALTHY')
  expect((await countAnswers(gateway, 6))('ill')).toBe(3)
})

test('a tcp check ejects a target that refuses connections', async () => {
  const time = createFakeTime()
  const [good, dead] = [await startTarget('good'), await startTarget('dead')]
  dead.server.close()
  const active = { type: 'tcp', healthy: { interval: 1 }, unhealthy: { tcp_failures: 1 } }
  const gateway = await openGateway(
    poolSnapshot([good.at(1), dead.at(1)], { healthchecks: { active } }),
    { clock: time.clock, pools: { timers: time.timers } },
  )
  time.advance(1_000)
  await until(
    'the dead one was found',
    () => gateway.pools.health()[0]?.targets[1]?.health === 'UNHEALTHY',
  )
  const answers = await countAnswers(gateway, 4)
  expect(answers('good')).toBe(4)
  expect(gateway.events.map(({ tries }) => tries)).toEqual([1, 1, 1, 1])
})

test('returns 503 while the healthy share is not above the threshold', async () => {
  const targets = [await startTarget('a'), await startTarget('b'), await startTarget('c')]
  const [a, b, c] = targets as [Awaited<ReturnType<typeof startTarget>>, ...typeof targets]
  const words = poolSnapshot(
    [a.at(50), (b as typeof a).at(25), (c as typeof a).at(25)],
    passive({ http_failures: 1 }, { threshold: 50 }),
  )
  const gateway = await openGateway(words)
  expect((await gateway.ask('/')).status).toBe(200)
  a.behavior.status = 500
  await until('a is out', async () => (await gateway.ask('/')).status === 503)
  expect((await gateway.ask('/')).status).toBe(503)
  expect(gateway.events.at(-1)?.reason).toBe('upstream.no_peer')
})

test('uses failover targets only while no other target is healthy', async () => {
  const time = createFakeTime()
  const [main, spare] = [await startTarget('main'), await startTarget('spare')]
  const words = poolSnapshot(
    [main.at(1), { ...spare.at(1), failover: true }],
    passive({ http_failures: 1 }),
  )
  const gateway = await openGateway(words, { clock: time.clock })
  expect((await countAnswers(gateway, 5))('main')).toBe(5)
  main.behavior.status = 503
  expect((await countAnswers(gateway, 5))('spare')).toBe(4)
  main.behavior.status = 200
  time.advance(trialDelay.first)
  expect((await countAnswers(gateway, 5))('main')).toBe(5)
})

test('sends equal headers to the same target, also when other targets change', async () => {
  const targets = await Promise.all(['a', 'b', 'c', 'd'].map(startTarget))
  const hashing = {
    algorithm: 'consistent-hashing',
    hash_on: 'header',
    hash_on_header: 'X-User',
  }
  const all = poolSnapshot(
    targets.map((target) => target.at(10)),
    hashing,
  )
  const gateway = await openGateway(all)
  const homes = async (): Promise<string[]> => {
    const found: string[] = []
    for (let user = 0; user < 40; user += 1)
      found.push(await (await gateway.ask('/', { headers: { 'X-User': `u${user}` } })).text())
    return found
  }
  const before = await homes()
  expect(await homes()).toEqual(before)
  expect(new Set(before).size).toBe(4)
  gateway.reconfigure(
    poolSnapshot(
      targets.slice(1).map((target) => target.at(10)),
      hashing,
    ),
  )
  const after = await homes()
  expect(after).not.toContain('a')
  expect(before.every((home, user) => home === 'a' || home === after[user])).toBe(true)
})

test('sets a cookie that brings the client back to the same target', async () => {
  const targets = await Promise.all(['a', 'b', 'c'].map(startTarget))
  const cookie = { algorithm: 'consistent-hashing', hash_on: 'cookie', hash_on_cookie: 'seat' }
  const sticky = { algorithm: 'sticky-sessions', sticky_sessions_cookie: 'seat' }
  for (const upstream of [cookie, sticky]) {
    const gateway = await openGateway(
      poolSnapshot(
        targets.map((target) => target.at(10)),
        upstream,
      ),
    )
    const first = await gateway.ask('/')
    const home = await first.text()
    const given = /^seat=[^;]+/.exec(first.headers.get('set-cookie') ?? '')?.[0] ?? ''
    expect(given).not.toBe('')
    expect((await countAnswers(gateway, 6, { headers: { cookie: given } }))(home)).toBe(6)
  }
})

test('a draining target keeps its sessions and gets no new ones', async () => {
  const [a, b] = [await startTarget('a'), await startTarget('b')]
  const sticky = { algorithm: 'sticky-sessions', sticky_sessions_cookie: 'seat' }
  const gateway = await openGateway(poolSnapshot([a.at(10), b.at(10)], sticky))
  const first = await gateway.ask('/')
  const home = await first.text()
  const seat = /^seat=[^;]+/.exec(first.headers.get('set-cookie') ?? '')?.[0] ?? ''
  const weights = home === 'a' ? [0, 10] : [10, 0]
  gateway.reconfigure(poolSnapshot([a.at(weights[0] ?? 0), b.at(weights[1] ?? 0)], sticky))
  expect((await countAnswers(gateway, 5, { headers: { cookie: seat } }))(home)).toBe(5)
  expect((await countAnswers(gateway, 5))(home)).toBe(0)
})

test('least-connections avoids a target that hangs', async () => {
  const fast = await startTarget('fast')
  const held: (() => void)[] = []
  const slow = await startUpstream((_request, response) => {
    held.push(() => void response.end('slow'))
  })
  const gateway = await openGateway(
    poolSnapshot([fast.at(1), { target: `127.0.0.1:${slow.port}`, weight: 1 }], {
      algorithm: 'least-connections',
    }),
  )
  const hanging = [gateway.ask('/'), gateway.ask('/')]
  await until('one hangs', () => held.length === 1)
  expect((await countAnswers(gateway, 10))('fast')).toBe(10)
  for (const release of held) release()
  await Promise.all(hanging)
  expect(held).toHaveLength(1)
})

test('each attempt uses another target, and is recorded in order', async () => {
  const dead = await Promise.all(['x', 'y', 'z'].map(startTarget))
  for (const { server } of dead) server.close()
  const good = await startTarget('good')
  const gateway = await openGateway(
    poolSnapshot([...dead.map((target) => target.at(1000)), good.at(1)], {}, { retries: 3 }),
  )
  expect(await (await gateway.ask('/', { method: 'POST', body: 'x' })).text()).toBe('good')
  const [event] = gateway.events
  expect(event).toMatchObject({ tries: 4, target: `127.0.0.1:${good.port}` })
  const failed = event?.failed_tries.map((one) => one.split(' '))
  expect(failed?.map(([target, code]) => [target, code])).toEqual(
    expect.arrayContaining(dead.map(({ port }) => [`127.0.0.1:${port}`, 'upstream.invalid'])),
  )
  expect(failed?.every(([, , microseconds]) => Number(microseconds) > 0)).toBe(true)
})

test('the heartbeat of a worker contains the health of its targets', async () => {
  const [good, bad] = [await startTarget('good'), await startTarget('bad')]
  const gateway = await openGateway(
    poolSnapshot([good.at(7), bad.at(3)], passive({ http_failures: 1 })),
  )
  bad.behavior.status = 500
  await until('it was met', async () => (await gateway.ask('/')).status === 500)
  const state = { revision: 1, spooledBytes: 0, exchanges: 0, upstreams: gateway.pools.health() }
  const reportFor = (target: typeof good, weight: number, health: string) => ({
    target: target.at(0).target,
    health,
    addresses: [{ ip: '127.0.0.1', port: target.port, weight, health }],
  })
  expect(heartbeat.parse(state).upstreams).toEqual([
    { upstream: 'pool', targets: [reportFor(good, 7, 'HEALTHY'), reportFor(bad, 3, 'UNHEALTHY')] },
  ])
})

test('a target is healthy again once its checks are removed', async () => {
  const [good, bad] = [await startTarget('good'), await startTarget('bad')]
  const targets = [good.at(1), bad.at(1)]
  const gateway = await openGateway(poolSnapshot(targets, passive({ http_failures: 1 })))
  bad.behavior.status = 500
  await countAnswers(gateway, 4)
  bad.behavior.status = 200
  expect((await countAnswers(gateway, 4))('bad')).toBe(0)
  gateway.reconfigure(poolSnapshot(targets))
  expect((await countAnswers(gateway, 4))('bad')).toBe(2)
})

test('a thousand changes leave no timers behind', async () => {
  const time = createFakeTime()
  const target = await startTarget('a')
  const active = { healthy: { interval: 1 }, unhealthy: { interval: 1 } }
  const words = poolSnapshot([target.at(1)], { healthchecks: { active } })
  const gateway = await openGateway(words, { clock: time.clock, pools: { timers: time.timers } })
  expect(time.running).toBe(2)
  for (let change = 0; change < 1000; change += 1) gateway.reconfigure(words)
  expect(time.running).toBe(2)
  expect(await (await gateway.ask('/')).text()).toBe('a')
  gateway.reconfigure({})
  expect(time.running).toBe(0)
  expect(gateway.pools.health()).toEqual([])
})
