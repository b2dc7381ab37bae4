import type { Healthchecks } from '../../schema/snapshot.ts'

/** How a peer is, and what speaks for a change. */
export type Health = {
  healthy: boolean
  /** Who found it unhealthy: requests that failed, or questions. */
  foundBy: 'passive' | 'active'
  successes: number
  statuses: number
  broken: number
  timeouts: number
  /** When one request may try whether it is well again, where no question finds out. */
  trialAt: number
  /** A request tries it now. */
  onTrial: boolean
  /** How often in a row it was found unhealthy; lengthens the wait for a trial. */
  trips: number
}

/** What was met with: a status, a connection that broke or was not had, or silence. */
export type Finding = number | 'broken' | 'timeout'

/** A peer of which nothing is known. */
export const freshHealth = (): Health => ({
  healthy: true,
  foundBy: 'passive',
  successes: 0,
  statuses: 0,
  broken: 0,
  timeouts: 0,
  trialAt: 0,
  onTrial: false,
  trips: 0,
})

type Limits = Readonly<Record<'tcp_failures' | 'timeouts' | 'http_failures', number>> & {
  readonly http_statuses: readonly number[]
}

/** The rules of one kind of check. */
export type Rules = {
  readonly healthy: { readonly http_statuses: readonly number[]; readonly successes: number }
  readonly unhealthy: Limits
}

/** Counts a finding as Kong does, and says what it makes of the peer: undefined while no count is full. A count whose limit is 0 is not kept; a success clears the
 *  failures and a failure the successes; nothing is counted that would only confirm what is known. */
export function countFinding(
  health: Health,
  rules: Rules,
  finding: Finding,
): 'healthy' | 'unhealthy' | undefined {
  if (typeof finding === 'number' && rules.healthy.http_statuses.includes(finding))
    return countSuccess(health, rules.healthy.successes)
  if (typeof finding === 'number' && !rules.unhealthy.http_statuses.includes(finding))
    return undefined
  const count = typeof finding === 'number' ? 'statuses' : counts[finding]
  const limit = rules.unhealthy[limits[count]]
  if (limit === 0 || !health.healthy) return undefined
  health.successes = 0
  health[count] += 1
  return health[count] >= limit ? 'unhealthy' : undefined
}

const counts = { broken: 'broken', timeout: 'timeouts' } as const
const limits = { statuses: 'http_failures', broken: 'tcp_failures', timeouts: 'timeouts' } as const

/** Counts a success that has no status, of a check that only connects. */
export function countSuccess(health: Health, limit: number): 'healthy' | undefined {
  if (limit === 0) return undefined
  clearFailures(health)
  if (health.healthy) return undefined
  health.successes += 1
  return health.successes >= limit ? 'healthy' : undefined
}

/** Whether anything of it is switched on. */
export const usesHealthchecks = ({ active, passive }: Healthchecks): boolean =>
  active.healthy.interval > 0 || active.unhealthy.interval > 0 || usesPassive({ passive })

/** Whether requests may find a peer unhealthy. */
export const usesPassive = ({ passive: { unhealthy } }: Pick<Healthchecks, 'passive'>): boolean =>
  unhealthy.tcp_failures > 0 || unhealthy.timeouts > 0 || unhealthy.http_failures > 0

/** Makes a peer healthy with all counts at zero. */
export function recover(health: Health): void {
  health.healthy = true
  health.successes = 0
  health.trialAt = 0
  health.onTrial = false
  health.trips = 0
  clearFailures(health)
}

/** Makes a peer unhealthy with all counts at zero. */
export function eject(health: Health, foundBy: Health['foundBy']): void {
  health.healthy = false
  health.foundBy = foundBy
  health.successes = 0
  health.onTrial = false
  health.trips += 1
  clearFailures(health)
}

/** Makes a peer unhealthy because somebody says so: no request tries whether it is well again. */
export function ejectByWord(health: Health): void {
  eject(health, 'active')
  health.trialAt = Number.POSITIVE_INFINITY
}

function clearFailures(health: Health): void {
  health.statuses = 0
  health.broken = 0
  health.timeouts = 0
}
