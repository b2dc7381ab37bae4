import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildCandidates, buildExchange, buildTarget } from '../../../test/harness/build-target.ts'
import { HeaderList } from '../header-list.ts'
import {
  openPeakEwma,
  observeLatency,
  leastConnections,
  roundRobin,
  openStickySessions,
} from './balancers.ts'
import { tokenOf, type Target } from './target.ts'

const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })
const targetsOf = (list: readonly number[]): Target[] =>
  list.map((weight, index) => buildTarget({ key: `p${index}`, weight }))

test('round-robin picks each target as often as its weight in every cycle, interleaved', () => {
  fc.assert(
    fc.property(weights, (list) => {
      const targets = targetsOf(list)
      const cycle = list.reduce((sum, weight) => sum + weight, 0)
      const taken = new Map<Target, number>()
      for (let turn = 1; turn <= 2 * cycle; turn += 1) {
        const target = roundRobin.pick(buildCandidates(targets), buildExchange()) as Target
        taken.set(target, (taken.get(target) ?? 0) + 1)
        for (const other of targets) {
          const fair = (turn * other.weight) / cycle
          expect(Math.abs((taken.get(other) ?? 0) - fair)).toBeLessThan(Math.max(2, targets.length))
        }
        if (turn % cycle !== 0) continue
        for (const other of targets) expect(taken.get(other)).toBe((other.weight * turn) / cycle)
      }
    }),
    { numRuns: 50 },
  )
})

test('least-connections keeps the loads even in proportion to the weights', () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 200 }), (list, requests) => {
      const targets = targetsOf(list)
      for (let request = 0; request < requests; request += 1) {
        const target = leastConnections.pick(buildCandidates(targets), buildExchange()) as Target
        const load = (target.state.inFlight + 1) / target.weight
        for (const other of targets)
          expect((other.state.inFlight + 1) / other.weight).toBeGreaterThanOrEqual(load)
        target.state.inFlight += 1
      }
    }),
  )
})

test('latency prefers the fast target and tries a slow one again after a while', () => {
  let now = 1_000_000
  const [fast, slow] = [
    buildTarget({ key: 'fast', weight: 1 }),
    buildTarget({ key: 'slow', weight: 999 }),
  ]
  const latency = openPeakEwma(
    () => now,
    () => 0,
  )
  const ask = (): Target => latency.pick(buildCandidates([fast, slow]), buildExchange()) as Target
  const answer = (target: Target, milliseconds: number): void => {
    now += milliseconds
    observeLatency(target.state, milliseconds, now)
  }
  answer(fast, 5)
  answer(slow, 200)
  let slowOnes = 0
  for (let request = 0; request < 100; request += 1) {
    const target = ask()
    answer(target, target === fast ? 5 : 200)
    if (target === slow) slowOnes += 1
  }
  expect(slowOnes).toBe(0)
  for (let request = 0; request < 100 && ask() === fast; request += 1) answer(fast, 800)
  expect(ask()).toBe(slow)
})

test('latency counts requests in flight, and treats a new target as average', () => {
  const [known, fresh] = [buildTarget({ key: 'known' }), buildTarget({ key: 'fresh' })]
  observeLatency(known.state, 10, 0)
  const latency = openPeakEwma(
    () => 0,
    () => 0,
  )
  const pick = (): Target | undefined =>
    latency.pick(buildCandidates([known, fresh]), buildExchange())
  known.state.inFlight = 1
  expect(pick()).toBe(fresh)
  fresh.state.inFlight = 2
  expect(pick()).toBe(known)
})

test('a slow response raises the average at once, fast ones lower it gradually', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 30 }),
      (answers) => {
        const { state } = buildTarget({ key: 'p' })
        let now = 0
        for (const milliseconds of answers) {
          const before = state.latency
          observeLatency(state, milliseconds, (now += 100))
          expect(state.latency).toBeGreaterThanOrEqual(milliseconds)
          expect(state.latency).toBeLessThanOrEqual(Math.max(milliseconds, before))
        }
      },
    ),
  )
})

test('a sticky session stays on a draining target and moves only when its target is not available', () => {
  const targets = targetsOf([1, 1, 1])
  const [first, second] = targets as [Target, Target, Target]
  const balancer = openStickySessions('seat', '/app')
  const withCookie = (value: string) =>
    buildExchange({ headers: new HeaderList(['Cookie', `other=1; seat=${value}`]) })

  const stranger = buildExchange()
  const seat = balancer.pick(buildCandidates(targets), stranger) as Target
  expect(stranger.upstream.cookie).toBe(`seat=${tokenOf(seat)}; Path=/app; HttpOnly`)

  for (let visit = 0; visit < 5; visit += 1) {
    const guest = withCookie(tokenOf(second))
    expect(balancer.pick(buildCandidates(targets), guest)).toBe(second)
    expect(guest.upstream.cookie).toBe('')
  }
  const drained = { ...second, weight: 0 }
  expect(balancer.pick(buildCandidates([first], [drained]), withCookie(tokenOf(second)))).toBe(
    drained,
  )
  const moved = withCookie(tokenOf(second))
  expect(balancer.pick(buildCandidates([first]), moved)).toBe(first)
  expect(moved.upstream.cookie).toContain(tokenOf(first))
})
