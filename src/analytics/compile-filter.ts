import type { Member } from './dataset.ts'
import type { Comparison, PlanFilter } from './plan.ts'

/** Gives a value a name in the statement, and the `{name:Type}` that stands for it. */
export type Bind = (type: string, value: unknown) => string

/** The SQL that a member stands for in the statement. */
export type SqlOf = (member: Member) => string

/** A filter as a condition that is never NULL. */
export function compileFilter(filter: PlanFilter, sqlOf: SqlOf, bind: Bind): string {
  if ('and' in filter || 'or' in filter) {
    const [parts, word] = 'and' in filter ? [filter.and, ' AND '] : [filter.or, ' OR ']
    return `(${parts.map((part) => compileFilter(part, sqlOf, bind)).join(word)})`
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
  const wanted = bind('Array(String)', values)
  if (operator === 'equals') return `(${sql} IN ${wanted})`
  return `arrayExists(value -> ${likeness(operator, sql)}, ${wanted})`
}

function compareList({ operator, values }: Comparison, sql: string, bind: Bind): string {
  if (operator === 'set') return `notEmpty(${sql})`
  const wanted = bind('Array(String)', values)
  const like = operator === 'equals' ? 'item = value' : likeness(operator, 'item')
  return `arrayExists(item -> arrayExists(value -> ${like}, ${wanted}), ${sql})`
}

function likeness(operator: Comparison['operator'], sql: string): string {
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
