import type { Member } from './datasets/dataset.ts'
import type { Comparison, PlanFilter } from './plan.ts'

/** Adds a parameter to the statement and returns its placeholder, `{name:Type}`. */
export type Bind = (type: string, value: unknown) => string

export type SqlOf = (member: Member) => string

/** Compiles a filter to a condition that is never NULL. */
export function compileFilter(filter: PlanFilter, sqlOf: SqlOf, bind: Bind): string {
  if ('and' in filter || 'or' in filter) {
    const [parts, joint] = 'and' in filter ? [filter.and, ' AND '] : [filter.or, ' OR ']
    return `(${parts.map((part) => compileFilter(part, sqlOf, bind)).join(joint)})`
  }
  const sql = sqlOf(filter.member)
  const positive = negations[filter.operator]
  if (positive !== undefined) return `NOT ${compare({ ...filter, operator: positive }, sql, bind)}`
  return compare(filter, sql, bind)
}

const negations: { readonly [Negative in Comparison['operator']]?: Comparison['operator'] } = {
  notEquals: 'equals',
  notContains: 'contains',
  notStartsWith: 'startsWith',
  notEndsWith: 'endsWith',
  notSet: 'set',
  notInDateRange: 'inDateRange',
}

function compare(comparison: Comparison, sql: string, bind: Bind): string {
  const { member } = comparison
  if (member.type === 'time') return compareTime(comparison, sql, bind)
  if (member.type === 'number') return compareNumber(comparison, sql, bind)
  return member.list ? compareList(comparison, sql, bind) : compareText(comparison, sql, bind)
}

function compareText({ operator, values }: Comparison, sql: string, bind: Bind): string {
  if (operator === 'set') return `(${sql} != '')`
  const list = bind('Array(String)', values)
  if (operator === 'equals') return `(${sql} IN ${list})`
  return `arrayExists(value -> ${matches(operator, sql)}, ${list})`
}

function compareList({ operator, values }: Comparison, sql: string, bind: Bind): string {
  if (operator === 'set') return `notEmpty(${sql})`
  const list = bind('Array(String)', values)
  const match = operator === 'equals' ? 'item = value' : matches(operator, 'item')
  return `arrayExists(item -> arrayExists(value -> ${match}, ${list}), ${sql})`
}

function matches(operator: Comparison['operator'], sql: string): string {
  const [text, value] = [`lowerUTF8(${sql})`, 'lowerUTF8(value)']
  if (operator === 'startsWith') return `startsWith(${text}, ${value})`
  if (operator === 'endsWith') return `endsWith(${text}, ${value})`
  return `position(${text}, ${value}) > 0`
}

const signs: Readonly<Record<string, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' }

function compareNumber({ operator, values, member }: Comparison, sql: string, bind: Bind): string {
  const number = `toFloat64(${sql})`
  if (operator === 'set')
    return member.kind === 'measure' ? `isFinite(${number})` : `(${number} != 0)`
  const sign = signs[operator]
  return sign === undefined
    ? `has(${bind('Array(Float64)', values)}, ${number})`
    : `(${number} ${sign} ${bind('Float64', values[0])})`
}

function compareTime({ operator, values }: Comparison, sql: string, bind: Bind): string {
  const [start = 0, end = 0] = values as readonly number[]
  const at = (instant: number): string => `fromUnixTimestamp64Milli(${bind('Int64', instant)})`
  const isDay = end > start
  if (operator === 'inDateRange') return `(${sql} >= ${at(start)} AND ${sql} < ${at(end)})`
  if (operator === 'beforeDate') return `(${sql} < ${at(start)})`
  if (operator === 'afterOrOnDate') return `(${sql} >= ${at(start)})`
  if (operator === 'beforeOrOnDate')
    return isDay ? `(${sql} < ${at(end)})` : `(${sql} <= ${at(start)})`
  return isDay ? `(${sql} >= ${at(end)})` : `(${sql} > ${at(start)})`
}
