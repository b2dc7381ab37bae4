import type { Clock } from '../../lib/clock.ts'
import type { Healthchecks } from '../../schema/healthchecks.ts'
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

/** What becomes of the findings about targets: Kong's counts, and beyond them a circuit that closes by itself. A target that requests found unhealthy, and that no question
 *  will find healthy again, gets one request after a delay that grows each time; when that is answered well it is healthy. At most half of the targets
 *  are taken out by what requests meet with, and at least one may be. */
export type CircuitBreaker = {
  /** What a request met with; undefined when that says nothing. */
  report(target: Target, result: HealthResult | undefined): void
  /** What a question met with; `connected` is that of a check that only connects. */
  reportCheck(target: Target, result: HealthResult | 'connected'): void
  /** A target that a request may try, if one is due and the request may be risked. */
  pickTrial(mayRisk: boolean): Target | undefined
}

/** What a circuit is opened with. */
export type CircuitBreakerOptions = {
  readonly healthchecks: Healthchecks | undefined
  readonly clock: Clock
  /** Where a change of health is counted. */
  readonly memory: { changes: number }
  readonly targets: () => readonly Target[]
}

/** Milliseconds until a target is tried again: doubling from the first to the longest. */
export const trialDelay = { first: 10_000, max: 300_000 }

const delayAfter = (ejections: number): number =>
  Math.min(trialDelay.first * 2 ** Math.min(ejections - 1, 20), trialDelay.max)

/** Opens a circuit over the targets of a pool; without healthchecks it finds nothing out. */
export function openCircuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const { healthchecks, clock, memory, targets } = options
  if (healthchecks === undefined) return idle
  const { active, passive } = healthchecks
  const isPassive = usesPassive(healthchecks)
  const hasActiveChecks = active.unhealthy.interval > 0 && active.healthy.successes > 0
  const findDue = openDueFinder(options)

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
    health.onTrial = false
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
      if (health.onTrial) return settleTrial(target, result)
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
      const due = mayRisk && !hasActiveChecks ? findDue() : undefined
      if (due === undefined) return undefined
      due.state.health.onTrial = true
      memory.changes += 1
      return due
    },
  }
}

/** Finds the target whose trial is due; looks through all of them only after a change. */
function openDueFinder({
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

const idle: CircuitBreaker = {
  report: () => undefined,
  reportCheck: () => undefined,
  pickTrial: () => undefined,
}

const isWaiting = ({ healthy, onTrial }: Health): boolean => !healthy && !onTrial

const isDue = (health: Health, now: number): boolean => isWaiting(health) && now >= health.trialAt

function nextTrial(targets: readonly Target[]): number {
  const times = targets.flatMap(({ state: { health } }) =>
    isWaiting(health) ? [health.trialAt] : [],
  )
  return Math.min(...times)
}

/** Whether one more may be taken out: half of the targets, and one in any case. */
function mayEject(targets: readonly Target[]): boolean {
  const out = targets.filter(
    ({ state: { health } }) => !health.healthy && health.ejectedBy === 'passive',
  ).length
  return out < Math.max(1, Math.floor(targets.length / 2))
}
