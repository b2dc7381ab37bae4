import type { Rollup } from '../warehouse/rollup.ts'
import type { Member } from './datasets/dataset.ts'

/** A measure over the rows of a rollup: its SQL, and the columns that it reads. */
export type RollupMeasure = { readonly sql: string; readonly columns: readonly string[] }

/** Rewrites a measure for a rollup; undefined when the rollup does not hold what it aggregates. */
export function measureOf(member: Member, rollup: Rollup): RollupMeasure | undefined {
  const columns = new Set<string>()
  let rest = member.sql
  let sql = member.sql
  for (const [aggregate, { states, sql: merged }] of rollup.aggregates) {
    if (!rest.includes(aggregate)) continue
    rest = rest.replaceAll(aggregate, '')
    sql = sql.replaceAll(aggregate, merged)
    for (const state of states) columns.add(state)
  }
  const keys = member.columns.filter((column) => wordsIn(rest).has(column))
  if (!keys.every((column) => rollup.keys.includes(column))) return undefined
  if (!callsIn(rest).every((name) => isSafe.has(name))) return undefined
  return { sql, columns: [...columns, ...keys] }
}

const withoutTexts = (sql: string): string => sql.replaceAll(/'[^']*'/g, '')

const wordsIn = (sql: string): ReadonlySet<string> =>
  new Set(withoutTexts(sql).match(/[a-z_]\w*/gi) ?? [])

const callsIn = (sql: string): readonly string[] =>
  [...withoutTexts(sql).matchAll(/([a-z_]\w*)\s*\(/gi)].map(([, name]) => name as string)

/** Functions whose value does not depend on how often a value of a key occurs, and functions of single values. */
const isSafe: ReadonlySet<string> = new Set(['uniqExact', 'uniqExactIf', 'if', 'greatest', 'least'])
