import type { Healthchecks } from '../../schema/snapshot.ts'

/** The health of a target, with the counters of its current state. */
export type Health = {
  healthy: boolean
  /** Passive checks observe requests; active checks are probes. */
  ejectedBy: 'passive' | 'active'
  successes: number
  statuses: number
  broken: number
  timeouts: number
  /** When a trial request may be sent, if no active check recovers the target. */
  trialAt: number
  /** A trial request is in flight. */
  inTrial: boolean
  /** Consecutive ejections; they lengthen the delay before a trial. */
  ejections: number
}

/** An HTTP status, a failed connection, or a timeout. */
export type HealthResult = number | 'broken' | 'timeout'

export const newHealth = (): Health => ({
  healthy: true,
  ejectedBy: 'passive',
  successes: 0,
  statuses: 0,
  broken: 0,
  timeouts: 0,
  trialAt: 0,
  inTrial: false,
  ejections: 0,
})

type Limits = Readonly<Record<'tcp_failures' | 'timeouts' | 'http_failures', number>> & {
  readonly http_statuses: readonly number[]
}

/** The thresholds of active or passive checks. */
export type Rules = {
  readonly healthy: { readonly http_statuses: readonly number[]; readonly successes: number }
  readonly unhealthy: Limits
}

/**
 * Counts a result as Kong does; returns the new health when a counter reaches its limit. A limit of 0 disables a counter.
 * A success resets the failures and a failure the successes. Results that confirm the current health are not counted.
 */
export function recordResult(
  health: Health,
  rules: Rules,
  result: HealthResult,
): 'healthy' | 'unhealthy' | undefined {
  if (typeof result === 'number' && rules.healthy.http_statuses.includes(result))
    return recordSuccess(health, rules.healthy.successes)
  if (typeof result === 'number' && !rules.unhealthy.http_statuses.includes(result))
    return undefined
  const count = typeof result === 'number' ? 'statuses' : counts[result]
  const limit = rules.unhealthy[limits[count]]
  if (limit === 0 || !health.healthy) return undefined
  health.successes = 0
  health[count] += 1
  return health[count] >= limit ? 'unhealthy' : undefined
}

const counts = { broken: 'broken', timeout: 'timeouts' } as const
const limits = { statuses: 'http_failures', broken: 'tcp_failures', timeouts: 'timeouts' } as const

/** Counts a success without a status, of a check that only connects. */
export function recordSuccess(health: Health, limit: number): 'healthy' | undefined {
  if (limit === 0) return undefined
  clearFailures(health)
  if (health.healthy) return undefined
  health.successes += 1
  return health.successes >= limit ? 'healthy' : undefined
}

export const usesHealthchecks = ({ active, passive }: Healthchecks): boolean =>
  active.healthy.interval > 0 || active.unhealthy.interval > 0 || usesPassive({ passive })

export const usesPassive = ({ passive: { unhealthy } }: Pick<Healthchecks, 'passive'>): boolean =>
  unhealthy.tcp_failures > 0 || unhealthy.timeouts > 0 || unhealthy.http_failures > 0

export function recover(health: Health): void {
  health.healthy = true
  health.successes = 0
  health.trialAt = 0
  health.inTrial = false
  health.ejections = 0
  clearFailures(health)
}

export function eject(health: Health, ejectedBy: Health['ejectedBy']): void {
  health.healthy = false
  health.ejectedBy = ejectedBy
  health.successes = 0
  health.inTrial = false
  health.ejections += 1
  clearFailures(health)
}

/** Ejects a target on behalf of an operator, without trial requests. */
export function ejectByOverride(health: Health): void {
  eject(health, 'active')
  health.trialAt = Number.POSITIVE_INFINITY
}

function clearFailures(health: Health): void {
  health.statuses = 0
  health.broken = 0
  health.timeouts = 0
}
