import fc from 'fast-check'
import { expect, test } from 'vitest'
import { choiceOf, exchangeOf, peerOf } from '../../../test/harness/build-peer.ts'
import { HeaderList } from '../header-list.ts'
import { openLatency, observeLatency } from './latency.ts'
import { leastConnections } from './least-connections.ts'
import { tokenOf, type Peer } from './peer.ts'
import { roundRobin } from './round-robin.ts'
import { openStickySessions } from './sticky-sessions.ts'

const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })
const peersOf = (list: readonly number[]): Peer[] =>
  list.map((weight, index) => peerOf({ key: `p${index}`, weight }))

test('in every cycle of round-robin each peer has exactly its weight, and never two shares early', () => {
  fc.assert(
    fc.property(weights, (list) => {
      const peers = peersOf(list)
      const cycle = list.reduce((sum, weight) => sum + weight, 0)
      const taken = new Map<Peer, number>()
      for (let turn = 1; turn <= 2 * cycle; turn += 1) {
        const peer = roundRobin.pick(choiceOf(peers), exchangeOf()) as Peer
        taken.set(peer, (taken.get(peer) ?? 0) + 1)
        for (const other of peers) {
          const fair = (turn * other.weight) / cycle
          expect(Math.abs((taken.get(other) ?? 0) - fair)).toBeLessThan(Math.max(2, peers.length))
        }
        if (turn % cycle !== 0) continue
        for (const other of peers) expect(taken.get(other)).toBe((other.weight * turn) / cycle)
      }
    }),
    { numRuns: 50 },
  )
})

test('least-connections always leaves the loads as even as weights allow', () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 200 }), (list, requests) => {
      const peers = peersOf(list)
      for (let request = 0; request < requests; request += 1) {
        const peer = leastConnections.pick(choiceOf(peers), exchangeOf()) as Peer
        const load = (peer.state.busy + 1) / peer.weight
        for (const other of peers)
          expect((other.state.busy + 1) / other.weight).toBeGreaterThanOrEqual(load)
        peer.state.busy += 1
      }
    }),
  )
})

test('latency sends nearly all to the fast peer, and comes back to a slow one that time forgave', () => {
  let now = 1_000_000
  const [fast, slow] = [peerOf({ key: 'fast', weight: 1 }), peerOf({ key: 'slow', weight: 999 })]
  const latency = openLatency(
    () => now,
    () => 0,
  )
  const ask = (): Peer => latency.pick(choiceOf([fast, slow]), exchangeOf()) as Peer
  const answer = (peer: Peer, milliseconds: number): void => {
    now += milliseconds
    observeLatency(peer.state, milliseconds, now)
  }
  answer(fast, 5)
  answer(slow, 200)
  let slowOnes = 0
  for (let request = 0; request < 100; request += 1) {
    const peer = ask()
    answer(peer, peer === fast ? 5 : 200)
    if (peer === slow) slowOnes += 1
  }
  expect(slowOnes).toBe(0)
  for (let request = 0; request < 100 && ask() === fast; request += 1) answer(fast, 800)
  expect(ask()).toBe(slow)
})

test('latency counts who waits already, and expects of a new peer what the others do', () => {
  const [known, fresh] = [peerOf({ key: 'known' }), peerOf({ key: 'fresh' })]
  observeLatency(known.state, 10, 0)
  const latency = openLatency(
    () => 0,
    () => 0,
  )
  const pick = (): Peer | undefined => latency.pick(choiceOf([known, fresh]), exchangeOf())
  known.state.busy = 1
  expect(pick()).toBe(fresh)
  fresh.state.busy = 2
  expect(pick()).toBe(known)
})

test('a slow answer raises the expectation at once, fast ones lower it gradually', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 30 }),
      (answers) => {
        const { state } = peerOf({ key: 'p' })
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

test('a sticky session stays through drains, and moves only when its peer cannot be asked', () => {
  const peers = peersOf([1, 1, 1])
  const [first, second] = peers as [Peer, Peer, Peer]
  const balancer = openStickySessions('seat', '/app')
  const withCookie = (value: string) =>
    exchangeOf({ headers: new HeaderList(['Cookie', `other=1; seat=${value}`]) })

  const stranger = exchangeOf()
  const seat = balancer.pick(choiceOf(peers), stranger) as Peer
  expect(stranger.upstream.cookie).toBe(`seat=${tokenOf(seat)}; Path=/app; HttpOnly`)

  for (let visit = 0; visit < 5; visit += 1) {
    const guest = withCookie(tokenOf(second))
    expect(balancer.pick(choiceOf(peers), guest)).toBe(second)
    expect(guest.upstream.cookie).toBe('')
  }
  const drained = { ...second, weight: 0 }
  expect(balancer.pick(choiceOf([first], [drained]), withCookie(tokenOf(second)))).toBe(drained)
  const moved = withCookie(tokenOf(second))
  expect(balancer.pick(choiceOf([first]), moved)).toBe(first)
  expect(moved.upstream.cookie).toContain(tokenOf(first))
})
