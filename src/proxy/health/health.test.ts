import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recordResult, eject, newHealth, recover, type HealthResult, type Rules } from './health.ts'

const limit = fc.integer({ min: 0, max: 4 })
const rulesOf = fc
  .record({ successes: limit, tcp: limit, timeouts: limit, http: limit })
  .map(({ successes, tcp, timeouts, http }): Rules => ({
    healthy: { http_statuses: [200], successes },
    unhealthy: {
      http_statuses: [500],
      tcp_failures: tcp,
      timeouts,
      http_failures: http,
    },
  }))
const result = fc.constantFrom<HealthResult>(200, 404, 500, 'broken', 'timeout')

/** Kong's rule said another way: look back over what was found since the last change. */
function judge(rules: Rules, healthy: boolean, since: readonly HealthResult[]): boolean {
  const { successes } = rules.healthy
  const { http_failures: http, tcp_failures: tcp, timeouts } = rules.unhealthy
  const limits = new Map<HealthResult, number>([
    [500, http],
    ['broken', tcp],
    ['timeout', timeouts],
  ])
  const counted = since.filter((one) => (one === 200 ? successes > 0 : (limits.get(one) ?? 0) > 0))
  if (healthy) {
    const failures = counted.slice(counted.lastIndexOf(200) + 1)
    return ![...limits].some(
      ([kind, most]) => most > 0 && failures.filter((one) => one === kind).length >= most,
    )
  }
  return counted.filter((one) => one === 200).length >= successes && successes > 0
}

test('counts like a model of the whole history', () => {
  fc.assert(
    fc.property(rulesOf, fc.array(result, { maxLength: 60 }), (rules, findings) => {
      const health = newHealth()
      let since: HealthResult[] = []
      for (const one of findings) {
        since.push(one)
        const verdict = recordResult(health, rules, one)
        const isHealthy = judge(rules, health.healthy, since)
        expect(verdict !== undefined).toBe(isHealthy !== health.healthy)
        if (verdict === undefined) continue
        expect(verdict).toBe(isHealthy ? 'healthy' : 'unhealthy')
        if (verdict === 'healthy') recover(health)
        else eject(health, 'passive')
        since = []
      }
    }),
    { numRuns: 500 },
  )
})
