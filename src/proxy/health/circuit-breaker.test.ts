import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildTarget } from '../../../test/harness/build-target.ts'
import { createFakeTime } from '../../../test/harness/fake-time.ts'
import { entityNamed } from '../../entities/entities.ts'
import type { Target } from '../balance/target.ts'
import { openCircuitBreaker, trialDelay } from './circuit-breaker.ts'

const passive = { passive: { unhealthy: { http_failures: 1, tcp_failures: 1, timeouts: 1 } } }

function circuitOf(count: number, checks: Record<string, unknown> = passive) {
  const time = createFakeTime()
  const targets = Array.from({ length: count }, (_, index) => buildTarget({ key: `p${index}` }))
  const memory = { changes: 0 }
  const circuitBreaker = openCircuitBreaker({
    healthchecks: entityNamed('upstream').fields.shape.healthchecks.parse(checks),
    clock: time.clock,
    memory,
    targets: () => targets,
  })
  return { circuitBreaker, targets, time, memory }
}

const isHealthy = ({ state }: Target): boolean => state.health.healthy

test('sends one trial request after a delay that doubles up to its maximum', () => {
  const { circuitBreaker, targets, time } = circuitOf(1)
  const [target] = targets as [Target]
  circuitBreaker.report(target, 503)
  let delay = trialDelay.first
  for (let failure = 0; failure < 8; failure += 1) {
    time.advance(delay - 1)
    expect(circuitBreaker.pickTrial(true)).toBeUndefined()
    time.advance(1)
    expect(circuitBreaker.pickTrial(false)).toBeUndefined()
    expect(circuitBreaker.pickTrial(true)).toBe(target)
    expect(circuitBreaker.pickTrial(true)).toBeUndefined()
    circuitBreaker.report(target, 'broken')
    delay = Math.min(delay * 2, trialDelay.max)
  }
  time.advance(delay)
  expect(circuitBreaker.pickTrial(true)).toBe(target)
  circuitBreaker.report(target, 200)
  expect(isHealthy(target)).toBe(true)
  circuitBreaker.report(target, 503)
  time.advance(trialDelay.first)
  expect(circuitBreaker.pickTrial(true)).toBe(target)
})

test('repeats a trial whose client disconnected with the next request', () => {
  const { circuitBreaker, targets, time } = circuitOf(1)
  const [target] = targets as [Target]
  circuitBreaker.report(target, 'timeout')
  time.advance(trialDelay.first)
  expect(circuitBreaker.pickTrial(true)).toBe(target)
  circuitBreaker.report(target, undefined)
  expect(isHealthy(target)).toBe(false)
  expect(circuitBreaker.pickTrial(true)).toBe(target)
})

test('passive checks eject at most half of the targets, and at least one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      (count, failing) => {
        const { circuitBreaker, targets } = circuitOf(count)
        for (const index of failing) circuitBreaker.report(targets[index % count] as Target, 500)
        const out = targets.filter((target) => !isHealthy(target)).length
        const failed = new Set(failing.map((index) => index % count)).size
        expect(out).toBe(Math.min(failed, Math.max(1, Math.floor(count / 2))))
      },
    ),
  )
})

test('active checks can eject every target and recover it without a trial', () => {
  const active = {
    healthy: { interval: 1, successes: 2 },
    unhealthy: { interval: 1, http_failures: 2, tcp_failures: 1 },
  }
  const { circuitBreaker, targets, time, memory } = circuitOf(3, { active, ...passive })
  for (const target of targets) {
    circuitBreaker.reportCheck(target, 500)
    expect(isHealthy(target)).toBe(true)
    circuitBreaker.reportCheck(target, 500)
    expect(isHealthy(target)).toBe(false)
  }
  time.advance(trialDelay.max)
  expect(circuitBreaker.pickTrial(true)).toBeUndefined()
  const before = memory.changes
  for (const target of targets) {
    circuitBreaker.reportCheck(target, 200)
    expect(isHealthy(target)).toBe(false)
    circuitBreaker.reportCheck(target, 'connected')
    expect(isHealthy(target)).toBe(true)
  }
  expect(memory.changes).toBe(before + targets.length)
})

test('ejects no target without health checks', () => {
  const { circuitBreaker, targets } = circuitOf(2, {})
  for (let failure = 0; failure < 1000; failure += 1)
    circuitBreaker.report(targets[0] as Target, 'broken')
  expect(targets.every(isHealthy)).toBe(true)
})
