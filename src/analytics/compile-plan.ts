import type { Granularity } from '../schema/query.ts'
import type { Statement } from '../warehouse/open-warehouse.ts'
import type { Span } from '../warehouse/rollup-log.ts'
import type { Rollup } from '../warehouse/rollup.ts'
import type { Source } from './choose-rollups.ts'
import { compileFilter, type Bind, type SqlOf } from './compile-filter.ts'
import type { Member } from './datasets/dataset.ts'
import type { GovernedPlan } from './govern-plan.ts'
import { bucketOf, comparisonsIn } from './plan.ts'
import { measureOf } from './rollup-sql.ts'
import { fixedSeconds, isFixed } from './time/buckets.ts'

/** Per query: seconds, and bytes of memory. */
const limits = { max_execution_time: 15, max_memory_usage: 2_000_000_000 } as const

/**
 * Compiles a governed plan to SQL, over its table or over a source with rollups. Its columns are c0, c1, … in the order of
 * the plan. One row above the limit shows that the answer is truncated.
 */
export function compilePlan(plan: GovernedPlan, source?: Source): Statement {
  const params: Record<string, unknown> = { ...plan.scan.rows.params }
  const bind: Bind = (type, value) => {
    const name = `p${Object.keys(params).length}`
    params[name] = value
    return `{${name}:${type}}`
  }
  const rollup = source?.rollups[0]?.rollup
  const sqlOf: SqlOf = (member) =>
    (rollup === undefined ? undefined : measureOf(member, rollup)?.sql) ?? member.sql
  const clauses =
    source === undefined || rollup === undefined
      ? compileTable(plan, params, bind)
      : compileSource(plan, source, { params, bind, sqlOf })
  const parts = [
    ...clauses,
    plan.ungrouped ? '' : clause('GROUP BY', groups(plan), ', '),
    clause('HAVING', havings(plan, sqlOf, bind)),
    clause('ORDER BY', orderOf(plan), ', '),
    `LIMIT ${bind('UInt64', plan.limit + 1)} OFFSET ${bind('UInt64', plan.offset)}`,
  ]
  return { sql: parts.filter((text) => text !== '').join('\n'), params, settings: limits }
}

function compileTable(
  plan: GovernedPlan,
  params: Record<string, unknown>,
  bind: Bind,
): readonly string[] {
  const from = compileScan(plan, plan.dataset.table.name, plan.scan.columns, params)
  return [
    `SELECT ${columnsOf(plan, bind).join(', ')}`,
    `FROM ${from}`,
    clause('WHERE', [...within(plan, plan.range && [plan.range], bind), ...conditions(plan, bind)]),
  ]
}

type SourceContext = {
  readonly params: Record<string, unknown>
  readonly bind: Bind
  readonly sqlOf: SqlOf
}

/** Reads the same columns from each part of the source: dimensions, and states of which the measures are merged. */
function compileSource(
  plan: GovernedPlan,
  { rollups, rest }: Source,
  { params, bind, sqlOf }: SourceContext,
): readonly string[] {
  const parts = rollups.map(({ rollup, units }) => {
    const held = heldColumns(plan, rollup)
    const read = plan.scan.columns.filter((column) => rollup.keys.includes(column))
    const columns = [...new Set(['time', ...read, 'build', ...held])]
    const range = { from: units[0]?.from ?? 0, to: units.at(-1)?.to ?? 0 }
    const builds = bind(
      'Array(UInt64)',
      units.map(({ build }) => build),
    )
    const where = [...within(plan, [range], bind), `build IN ${builds}`, ...conditions(plan, bind)]
    return [
      `SELECT ${[...dimensionsOf(plan, bind), ...held].join(', ')}`,
      `FROM ${compileScan(plan, rollup.name, columns, params)}`,
      clause('WHERE', where),
    ].join(' ')
  })
  const [first] = rollups
  if (rest.length > 0 && first !== undefined)
    parts.push(compileRest(plan, first.rollup, rest, { params, bind }))
  const columns = plan.columns.map(({ member, masked }, at) => {
    if (masked) return `NULL AS ${key(at)}`
    if (member.kind === 'dimension') return key(at)
    return `${measureColumn(plan, member, sqlOf(member), bind)} AS ${key(at)}`
  })
  return [
    `SELECT ${columns.join(', ')}`,
    `FROM (${parts.join('\nUNION ALL ')}) AS ${plan.dataset.table.name}`,
  ]
}

/** The part of the range that no rollup covers, grouped as a rollup would be. */
function compileRest(
  plan: GovernedPlan,
  rollup: Rollup,
  rest: readonly Span[],
  { params, bind }: Pick<SourceContext, 'params' | 'bind'>,
): string {
  const held = heldColumns(plan, rollup)
  const values = held.map((column) => {
    const state = rollup.states[column]
    return state === undefined ? column : `${state.build} AS ${column}`
  })
  const keys = held.filter((column) => rollup.states[column] === undefined)
  const dimensions = groups(plan).filter((at) => !isMaskedKey(plan, at))
  return [
    `SELECT ${[...dimensionsOf(plan, bind), ...values].join(', ')}`,
    `FROM ${compileScan(plan, plan.dataset.table.name, plan.scan.columns, params)}`,
    clause('WHERE', [...within(plan, rest, bind), ...conditions(plan, bind)]),
    clause('GROUP BY', [...dimensions, ...keys], ', '),
  ].join(' ')
}

const isMaskedKey = ({ columns }: GovernedPlan, name: string): boolean =>
  columns.some(({ masked }, at) => masked && key(at) === name)

/** The states, and the keys, of a rollup that the measures of a plan read. */
function heldColumns(plan: GovernedPlan, rollup: Rollup): readonly string[] {
  const members = [...plan.columns, ...comparisonsIn(plan.having)].map(({ member }) => member)
  const measures = members.filter(({ kind }) => kind === 'measure')
  return [...new Set(measures.flatMap((member) => measureOf(member, rollup)?.columns ?? []))]
}

function dimensionsOf(plan: GovernedPlan, bind: Bind): readonly string[] {
  return plan.columns.flatMap((column, at) =>
    column.member.kind === 'dimension' && !column.masked
      ? [`${dimensionColumn(plan, column, bind)} AS ${key(at)}`]
      : [],
  )
}

const clause = (word: string, parts: readonly string[], between = ' AND '): string =>
  parts.length === 0 ? '' : `${word} ${parts.join(between)}`

/** The table as the principal sees it: a subquery, so that no condition of a query is evaluated beside the row rule or on unmasked columns. */
function compileScan(
  { scan, dataset }: GovernedPlan,
  name: string,
  read: readonly string[],
  params: Record<string, unknown>,
): string {
  const { table, policy } = dataset
  const isIdentity = (column: string): boolean => policy.identity?.columns.has(column) === true
  const final = table.engine === 'ReplacingMergeTree' ? ' FINAL' : ''
  const from = `FROM ${name}${final} WHERE ${scan.rows.sql}`
  const names = read.join(', ')
  if (scan.callers.sql === '1' || !read.some(isIdentity))
    return `(SELECT ${names} ${from}) AS ${name}`
  Object.assign(params, scan.callers.params)
  const columns = read.map((column) => {
    if (!isIdentity(column)) return column
    const empty = table.columns[column]?.type.startsWith('Array') ? '[]' : `''`
    return `if(is_known, ${column}, ${empty}) AS ${column}`
  })
  // The condition reads identity columns itself, which an alias in the same SELECT would replace by masked ones.
  const known = `(SELECT ${names}, (${scan.callers.sql}) AS is_known ${from})`
  return `(SELECT ${columns.join(', ')} FROM ${known}) AS ${name}`
}

const key = (column: number): string => `c${column}`

function columnsOf(plan: GovernedPlan, bind: Bind): readonly string[] {
  return plan.columns.map((column, at) => {
    const { member, masked } = column
    if (masked) return `NULL AS ${key(at)}`
    const sql =
      member.kind === 'measure'
        ? measureColumn(plan, member, member.sql, bind)
        : dimensionColumn(plan, column, bind)
    return `${sql} AS ${key(at)}`
  })
}

const dimensionColumn = (
  plan: GovernedPlan,
  { member, granularity }: GovernedPlan['columns'][number],
  bind: Bind,
): string =>
  granularity === undefined
    ? inMilliseconds(member, member.sql)
    : bucketSql(plan, member.sql, granularity, bind)

const measureColumn = (plan: GovernedPlan, member: Member, sql: string, bind: Bind): string =>
  inMilliseconds(member, measureSql(plan, sql, bind))

const inMilliseconds = ({ type }: Member, sql: string): string =>
  type === 'time' ? `toUnixTimestamp64Milli(${sql})` : sql

/** The rows of some spans; all rows without spans. */
function within(
  { dataset }: GovernedPlan,
  spans: readonly Span[] | undefined,
  bind: Bind,
): readonly string[] {
  const at = (instant: number): string => `fromUnixTimestamp64Milli(${bind('Int64', instant)})`
  const { sql } = dataset.time
  const [first, ...more] = (spans ?? []).map(({ from, to }) => [
    `${sql} >= ${at(from)}`,
    ...(to === Infinity ? [] : [`${sql} < ${at(to)}`]),
  ])
  if (first === undefined || more.length === 0) return first ?? []
  return [`(${[first, ...more].map((span) => `(${span.join(' AND ')})`).join(' OR ')})`]
}

function conditions(plan: GovernedPlan, bind: Bind): readonly string[] {
  return [
    ...plan.segments.map(({ sql }) => `(${sql})`),
    ...plan.where.map((filter) => compileFilter(filter, ({ sql }) => sql, bind)),
  ]
}

const groups = (plan: GovernedPlan): readonly string[] =>
  plan.columns.flatMap(({ member }, at) => (member.kind === 'dimension' ? [key(at)] : []))

const havings = (plan: GovernedPlan, sqlOf: SqlOf, bind: Bind): readonly string[] =>
  plan.having.map((filter) =>
    compileFilter(filter, (member) => measureSql(plan, sqlOf(member), bind), bind),
  )

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
