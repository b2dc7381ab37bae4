import type { Granularity } from '../schema/query.ts'
import type { Statement } from '../warehouse/open-warehouse.ts'
import { compileFilter, type Bind } from './compile-filter.ts'
import type { GovernedPlan } from './govern-plan.ts'
import { bucketOf } from './plan.ts'
import { fixedSeconds, isFixed } from './time/buckets.ts'

/** Per query: seconds, and bytes of memory. */
const limits = { max_execution_time: 15, max_memory_usage: 2_000_000_000 } as const

/** Compiles a governed plan to SQL. Its columns are c0, c1, … in the order of the plan. One row above the limit shows that the answer is truncated. */
export function compilePlan(plan: GovernedPlan): Statement {
  const params: Record<string, unknown> = { ...plan.scan.rows.params }
  const bind: Bind = (type, value) => {
    const name = `p${Object.keys(params).length}`
    params[name] = value
    return `{${name}:${type}}`
  }
  const from = compileScan(plan, params)
  const clauses = [
    `SELECT ${columnsOf(plan, bind).join(', ')}`,
    `FROM ${from}`,
    clause('WHERE', conditions(plan, bind)),
    plan.ungrouped ? '' : clause('GROUP BY', groups(plan), ', '),
    clause('HAVING', havings(plan, bind)),
    clause('ORDER BY', orderOf(plan), ', '),
    `LIMIT ${bind('UInt64', plan.limit + 1)} OFFSET ${bind('UInt64', plan.offset)}`,
  ]
  return { sql: clauses.filter((text) => text !== '').join('\n'), params, settings: limits }
}

const clause = (word: string, parts: readonly string[], between = ' AND '): string =>
  parts.length === 0 ? '' : `${word} ${parts.join(between)}`

/** The table as the principal sees it: a subquery, so that no condition of a query is evaluated beside the row rule or on unmasked columns. */
function compileScan(plan: GovernedPlan, params: Record<string, unknown>): string {
  const { scan, dataset } = plan
  const { table, policy } = dataset
  const isIdentity = (column: string): boolean => policy.identity?.columns.has(column) === true
  const final = table.engine === 'ReplacingMergeTree' ? ' FINAL' : ''
  const from = `FROM ${table.name}${final} WHERE ${scan.rows.sql}`
  const names = scan.columns.join(', ')
  if (scan.callers.sql === '1' || !scan.columns.some(isIdentity))
    return `(SELECT ${names} ${from}) AS ${table.name}`
  Object.assign(params, scan.callers.params)
  const columns = scan.columns.map((column) => {
    if (!isIdentity(column)) return column
    const empty = table.columns[column]?.type.startsWith('Array') ? '[]' : `''`
    return `if(is_known, ${column}, ${empty}) AS ${column}`
  })
  // The condition reads identity columns itself, which an alias in the same SELECT would replace by masked ones.
  const known = `(SELECT ${names}, (${scan.callers.sql}) AS is_known ${from})`
  return `(SELECT ${columns.join(', ')} FROM ${known}) AS ${table.name}`
}

const key = (column: number): string => `c${column}`

function columnsOf(plan: GovernedPlan, bind: Bind): readonly string[] {
  return plan.columns.map(({ member, granularity, masked }, at) => {
    if (masked) return `NULL AS ${key(at)}`
    if (granularity !== undefined)
      return `${bucketSql(plan, member.sql, granularity, bind)} AS ${key(at)}`
    const sql = member.kind === 'measure' ? measureSql(plan, member.sql, bind) : member.sql
    return `${member.type === 'time' ? `toUnixTimestamp64Milli(${sql})` : sql} AS ${key(at)}`
  })
}

function conditions(plan: GovernedPlan, bind: Bind): readonly string[] {
  const { time } = plan.dataset
  const at = (instant: number): string => `fromUnixTimestamp64Milli(${bind('Int64', instant)})`
  const range =
    plan.range === undefined
      ? []
      : [`${time.sql} >= ${at(plan.range.from)}`, `${time.sql} < ${at(plan.range.to)}`]
  return [
    ...range,
    ...plan.segments.map(({ sql }) => `(${sql})`),
    ...plan.where.map((filter) => compileFilter(filter, ({ sql }) => sql, bind)),
  ]
}

const groups = (plan: GovernedPlan): readonly string[] =>
  plan.columns.flatMap(({ member }, at) => (member.kind === 'dimension' ? [key(at)] : []))

const havings = (plan: GovernedPlan, bind: Bind): readonly string[] =>
  plan.having.map((filter) => compileFilter(filter, ({ sql }) => measureSql(plan, sql, bind), bind))

/** Ungrouped rows are ordered by the time column itself, which is finer than the milliseconds of the answer. */
const orderOf = (plan: GovernedPlan): readonly string[] =>
  plan.order.flatMap(({ column, direction }) => {
    const { member, granularity, masked } = plan.columns[column] ?? {}
    if (masked) return []
    const isExact = plan.ungrouped && granularity === undefined && member?.type === 'time'
    return [`${isExact ? member.sql : key(column)} ${direction.toUpperCase()}`]
  })

const units = {
  hour: 'HOUR',
  day: 'DAY',
  week: 'WEEK',
  month: 'MONTH',
  quarter: 'QUARTER',
  year: 'YEAR',
} as const

/**
 * The start of the bucket in milliseconds. Buckets of up to 15 minutes do not depend on the time zone. For longer ones the
 * plan passes the starts of the buckets, because the engine may have an older time zone database.
 */
function bucketSql(plan: GovernedPlan, sql: string, granularity: Granularity, bind: Bind): string {
  if (isFixed(granularity))
    return `toUnixTimestamp(toStartOfInterval(${sql}, INTERVAL ${fixedSeconds[granularity]} SECOND)) * 1000`
  if (plan.starts !== undefined)
    return `roundDown(toUnixTimestamp64Milli(${sql}), ${bind('Array(Int64)', plan.starts)})`
  const zone = bind('String', plan.zone.name)
  return `toUnixTimestamp(toDateTime(toStartOfInterval(${sql}, INTERVAL 1 ${units[granularity]}, ${zone}), ${zone})) * 1000`
}

const measureSql = (plan: GovernedPlan, sql: string, bind: Bind): string =>
  sql.includes('{seconds}') ? sql.replaceAll('{seconds}', secondsSql(plan, bind)) : sql

/** The seconds that a group covers: its bucket, else the elapsed part of the range, else the time between its first and last row. */
function secondsSql(plan: GovernedPlan, bind: Bind): string {
  const bucket = bucketOf(plan)
  if (bucket !== undefined) {
    if (isFixed(bucket.granularity)) return String(fixedSeconds[bucket.granularity])
    const start = `intDiv(${key(plan.columns.indexOf(bucket))}, 1000)`
    const zone = bind('String', plan.zone.name)
    return `(toUnixTimestamp(toDateTime(${start}, ${zone}) + INTERVAL 1 ${units[bucket.granularity]}) - ${start})`
  }
  const { sql } = plan.dataset.time
  if (plan.range === undefined) return `greatest(1, dateDiff('second', min(${sql}), max(${sql})))`
  const { from, to } = plan.range
  const end = plan.now > from ? Math.min(to, plan.now) : to
  return bind('Float64', Math.max(1, end - from) / 1000)
}
