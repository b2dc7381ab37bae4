import type { Retention } from '../warehouse/retention.ts'
import type { GovernedPlan } from './govern-plan.ts'

/**
 * Hides the rows that are older than the retention of their workspace, in whole days of UTC: the engine removes them
 * later, and from tables and rollups at different times. A plan whose range has no such row stays as it is.
 */
export function hideExpired(
  plan: GovernedPlan,
  kept: Retention | undefined,
  now: number,
): GovernedPlan {
  if (kept === undefined) return plan
  const { days, workspaces } = kept
  const from = plan.range?.from ?? -Infinity
  const startOf = (one: number): number => Math.floor(now / dayLength - one) * dayLength
  const params: Record<string, string | readonly string[]> = {}
  const bind = (ids: readonly string[]): string => {
    const name = `kept${Object.keys(params).length}`
    params[name] = ids
    return `{${name}:Array(String)}`
  }
  const since = (one: number): string => `time >= fromUnixTimestamp64Milli(${startOf(one)}, 'UTC')`
  const own = Map.groupBy(
    [...workspaces].filter(([, one]) => one !== days),
    ([, one]) => one,
  )
  const conditions = [...own]
    .filter(([one]) => startOf(one) > from)
    .map(([one, ids]) => `(workspace NOT IN ${bind(ids.map(([id]) => id))} OR ${since(one)})`)
  if (startOf(days) > from) {
    const ids = [...own.values()].flat().map(([id]) => id)
    conditions.push(
      ids.length === 0 ? since(days) : `(workspace IN ${bind(ids)} OR ${since(days)})`,
    )
  }
  if (conditions.length === 0) return plan
  const { rows } = plan.scan
  const sql = [`(${rows.sql})`, ...conditions].join(' AND ')
  return { ...plan, scan: { ...plan.scan, rows: { sql, params: { ...rows.params, ...params } } } }
}

const dayLength = 86_400_000
