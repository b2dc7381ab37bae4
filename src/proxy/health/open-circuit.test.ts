import fc from 'fast-check'
import { expect, test } from 'vitest'
import { peerOf } from '../../../test/harness/build-peer.ts'
import { holdTime } from '../../../test/harness/held-time.ts'
import { entityNamed } from '../../entities/entities.ts'
import type { Peer } from '../balance/peer.ts'
import { openCircuit, trialDelay } from './open-circuit.ts'

const passive = { passive: { unhealthy: { http_failures: 1, tcp_failures: 1, timeouts: 1 } } }

function circuitOf(count: number, checks: Record<string, unknown> = passive) {
  const time = holdTime()
  const peers = Array.from({ length: count }, (_, index) => peerOf({ key: `p${index}` }))
  const memory = { changes: 0 }
  const circuit = openCircuit({
    healthchecks: entityNamed('upstream').fields.shape.healthchecks.parse(checks),
    clock: time.clock,
    memory,
    peers: () => peers,
  })
  return { circuit, peers, time, memory }
}

const isWell = ({ state }: Peer): boolean => state.health.healthy

test('what failed is tried by one request after a delay, which doubles up to its bound', () => {
  const { circuit, peers, time } = circuitOf(1)
  const [peer] = peers as [Peer]
  circuit.report(peer, 503)
  let delay = trialDelay.first
  for (let failure = 0; failure < 8; failure += 1) {
    time.pass(delay - 1)
    expect(circuit.pickTrial(true)).toBeUndefined()
    time.pass(1)
    expect(circuit.pickTrial(false)).toBeUndefined()
    expect(circuit.pickTrial(true)).toBe(peer)
    expect(circuit.pickTrial(true)).toBeUndefined()
    circuit.report(peer, 'broken')
    delay = Math.min(delay * 2, trialDelay.longest)
  }
  time.pass(delay)
  expect(circuit.pickTrial(true)).toBe(peer)
  circuit.report(peer, 200)
  expect(isWell(peer)).toBe(true)
  circuit.report(peer, 503)
  time.pass(trialDelay.first)
  expect(circuit.pickTrial(true)).toBe(peer)
})

test('a trial whose client left is given to the next request', () => {
  const { circuit, peers, time } = circuitOf(1)
  const [peer] = peers as [Peer]
  circuit.report(peer, 'timeout')
  time.pass(trialDelay.first)
  expect(circuit.pickTrial(true)).toBe(peer)
  circuit.report(peer, undefined)
  expect(isWell(peer)).toBe(false)
  expect(circuit.pickTrial(true)).toBe(peer)
})

test('requests take out half of the peers at most, and one in any case', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      (count, failing) => {
        const { circuit, peers } = circuitOf(count)
        for (const index of failing) circuit.report(peers[index % count] as Peer, 500)
        const out = peers.filter((peer) => !isWell(peer)).length
        const failed = new Set(failing.map((index) => index % count)).size
        expect(out).toBe(Math.min(failed, Math.max(1, Math.floor(count / 2))))
      },
    ),
  )
})

test('questions may take out every peer, and bring them back without a trial', () => {
  const active = {
    healthy: { interval: 1, successes: 2 },
    unhealthy: { interval: 1, http_failures: 2, tcp_failures: 1 },
  }
  const { circuit, peers, time, memory } = circuitOf(3, { active, ...passive })
  for (const peer of peers) {
    circuit.reportCheck(peer, 500)
    expect(isWell(peer)).toBe(true)
    circuit.reportCheck(peer, 500)
    expect(isWell(peer)).toBe(false)
  }
  time.pass(trialDelay.longest)
  expect(circuit.pickTrial(true)).toBeUndefined()
  const before = memory.changes
  for (const peer of peers) {
    circuit.reportCheck(peer, 200)
    expect(isWell(peer)).toBe(false)
    circuit.reportCheck(peer, 'connected')
    expect(isWell(peer)).toBe(true)
  }
  expect(memory.changes).toBe(before + peers.length)
})

test('without checks nothing is ever taken out', () => {
  const { circuit, peers } = circuitOf(2, {})
  for (let failure = 0; failure < 1000; failure += 1) circuit.report(peers[0] as Peer, 'broken')
  expect(peers.every(isWell)).toBe(true)
})
