import type { Clock } from '../../lib/clock.ts'
import type { Healthchecks } from '../../schema/snapshot.ts'
import type { Target } from '../balance/target.ts'
import {
  recordResult,
  recordSuccess,
  eject,
  recover,
  usesPassive,
  type HealthResult,
  type Health,
} from './health.ts'

/**
 * Decides from health results which targets are ejected: Kong's counters, and in addition a half-open state. A target
 * that passive checks ejected and that no active check can recover gets one trial request after a delay that doubles with
 * each ejection; a success recovers it. Passive checks eject at most half of the targets, but always at least one.
 */
export type CircuitBreaker = {
  /** Reports the result of a request; undefined when it has no meaning for the target. */
  report(target: Target, result: HealthResult | undefined): void
  /** Reports the result of an active check; a check that only connects succeeds with `connected`. */
  reportCheck(target: Target, result: HealthResult | 'connected'): void
  /** A target that is due for a trial request; `mayRisk` is true when the request may fail. */
  pickTrial(mayRisk: boolean): Target | undefined
}

export type CircuitBreakerOptions = {
  readonly healthchecks: Healthchecks | undefined
  readonly clock: Clock
  readonly memory: { changes: number }
  readonly targets: () => readonly Target[]
}

/** Milliseconds from an ejection to the trial request; doubles from `first` to `max`. */
export const trialDelay = { first: 10_000, max: 300_000 }

const delayAfter = (ejections: number): number =>
  Math.min(trialDelay.first * 2 ** Math.min(ejections - 1, 20), trialDelay.max)

/** Without healthchecks no target is ever ejected. */
export function openCircuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const { healthchecks, clock, memory, targets } = options
  if (healthchecks === undefined) return disabled
  const { active, passive } = healthchecks
  const isPassive = usesPassive(healthchecks)
  const hasActiveChecks = active.unhealthy.interval > 0 && active.healthy.successes > 0
  const findDueTrial = openTrialFinder(options)

  const ejectTarget = ({ state: { health } }: Target, by: Health['ejectedBy']): void => {
    eject(health, by)
    health.trialAt = clock.now() + delayAfter(health.ejections)
    memory.changes += 1
  }
  const recoverTarget = ({ state: { health } }: Target): void => {
    recover(health)
    memory.changes += 1
  }
  const settleTrial = (target: Target, result: HealthResult | undefined): void => {
    const { health } = target.state
    health.inTrial = false
    memory.changes += 1
    if (result === undefined) return
    const isHealthy =
      typeof result === 'number' && !passive.unhealthy.http_statuses.includes(result)
    if (isHealthy) recoverTarget(target)
    else ejectTarget(target, health.ejectedBy)
  }

  return {
    report(target, result) {
      const { health } = target.state
      if (health.inTrial) return settleTrial(target, result)
      if (!isPassive || result === undefined) return
      const verdict = recordResult(health, passive, result)
      if (verdict === 'healthy') recoverTarget(target)
      else if (verdict === 'unhealthy' && mayEject(targets())) ejectTarget(target, 'passive')
    },
    reportCheck(target, result) {
      const { health } = target.state
      const verdict =
        result === 'connected'
          ? recordSuccess(health, active.healthy.successes)
          : recordResult(health, active, result)
      if (verdict === 'healthy') recoverTarget(target)
      else if (verdict === 'unhealthy') ejectTarget(target, 'active')
    },
    pickTrial(mayRisk) {
      const due = mayRisk && !hasActiveChecks ? findDueTrial() : undefined
      if (due === undefined) return undefined
      due.state.health.inTrial = true
      memory.changes += 1
      return due
    },
  }
}

/** Scans the targets only after a change of targets or health. */
function openTrialFinder({
  clock,
  memory,
  targets,
}: CircuitBreakerOptions): () => Target | undefined {
  let earliest = Number.POSITIVE_INFINITY
  let seen = -1
  let seenTargets: readonly Target[] = []
  return () => {
    const current = targets()
    if (seen !== memory.changes || seenTargets !== current) {
      seen = memory.changes
      seenTargets = current
      earliest = nextTrial(current)
    }
    if (earliest === Number.POSITIVE_INFINITY) return undefined
    const now = clock.now()
    return now < earliest ? undefined : current.find(({ state }) => isDue(state.health, now))
  }
}

const disabled: CircuitBreaker = {
  report: () => undefined,
  reportCheck: () => undefined,
  pickTrial: () => undefined,
}

const awaitsTrial = ({ healthy, inTrial }: Health): boolean => !healthy && !inTrial

const isDue = (health: Health, now: number): boolean => awaitsTrial(health) && now >= health.trialAt

function nextTrial(targets: readonly Target[]): number {
  const times = targets.flatMap(({ state: { health } }) =>
    awaitsTrial(health) ? [health.trialAt] : [],
  )
  return Math.min(...times)
}

/** Passive checks eject at most half of the targets, and at least one. */
function mayEject(targets: readonly Target[]): boolean {
  const ejected = targets.filter(
    ({ state: { health } }) => !health.healthy && health.ejectedBy === 'passive',
  ).length
  return ejected < Math.max(1, Math.floor(targets.length / 2))
}
