import { Problem } from '../lib/problem.ts'
import type { Condition, Filter, Operator } from '../schema/query.ts'
import type { Member } from './datasets/dataset.ts'
import { comparisonsIn, type Comparison, type PlanFilter } from './plan.ts'
import { parseDateRange, parseInstant, type Now } from './time/date-range.ts'

export type FilterContext = Now & { readonly find: (name: string) => Member }

/** Resolves the members of a filter and parses its values. */
export function planFilter(filter: Filter, context: FilterContext): PlanFilter {
  if ('and' in filter) return { and: filter.and.map((part) => planFilter(part, context)) }
  if ('or' in filter) return { or: filter.or.map((part) => planFilter(part, context)) }
  return planComparison(filter, context)
}

/** Whether a filter applies to groups (HAVING) or to rows (WHERE); one that mixes both is an error. */
export function isGroupFilter(filter: PlanFilter): boolean {
  const kinds = new Set(comparisonsIn([filter]).map(({ member }) => member.kind))
  if (kinds.size > 1)
    throw new Problem(
      'query.mixed',
      422,
      'filters: dimensions and measures cannot be combined in one and / or group',
    )
  return kinds.has('measure')
}

const listOperators = ['equals', 'notEquals', 'contains', 'notContains', 'set', 'notSet'] as const
const textOperators = [
  ...listOperators,
  'startsWith',
  'notStartsWith',
  'endsWith',
  'notEndsWith',
] as const
const numberOperators = ['equals', 'notEquals', 'gt', 'gte', 'lt', 'lte', 'set', 'notSet'] as const
const timeOperators = [
  'inDateRange',
  'notInDateRange',
  'beforeDate',
  'beforeOrOnDate',
  'afterDate',
  'afterOrOnDate',
] as const

function planComparison(condition: Condition, context: FilterContext): Comparison {
  const member = context.find(condition.member)
  const operators: readonly Operator[] = operatorsOf(member)
  if (!operators.includes(condition.operator)) {
    const message = `filters: ${member.name} does not support ${condition.operator}; expected one of: ${operators.join(', ')}`
    throw new Problem('query.operator', 422, message)
  }
  const texts = condition.values ?? []
  checkCount(condition, texts.length)
  return member.type === 'time'
    ? { member, operator: condition.operator, ...instants(condition, context) }
    : {
        member,
        operator: condition.operator,
        values: texts.map(parseValue(member)),
        isRelative: false,
      }
}

function operatorsOf(member: Member): readonly Operator[] {
  if (member.kind === 'segment') return []
  if (member.list) return listOperators
  return { string: textOperators, number: numberOperators, time: timeOperators, boolean: [] }[
    member.type
  ]
}

function checkCount({ member, operator }: Condition, count: number): void {
  const [min, max, words] = expectedCount(operator)
  if (count >= min && count <= max) return
  const message = `filters: ${operator} on ${member} takes ${words}, got ${count}`
  throw new Problem('query.values', 422, message)
}

function expectedCount(operator: Operator): readonly [number, number, string] {
  if (operator === 'set' || operator === 'notSet') return [0, 0, 'no values']
  if (takesOne.has(operator)) return [1, 1, 'one value']
  if (operator.endsWith('DateRange')) return [1, 2, 'a range such as "today", or its start and end']
  return [1, Infinity, 'at least one value']
}

const takesOne: ReadonlySet<Operator> = new Set([
  'gt',
  'gte',
  'lt',
  'lte',
  'beforeDate',
  'beforeOrOnDate',
  'afterDate',
  'afterOrOnDate',
])

const parseValue =
  (member: Member) =>
  (text: string): string | number => {
    if (member.type !== 'number') return text
    const number = Number(text)
    if (text.trim() !== '' && Number.isFinite(number)) return number
    throw new Problem('query.number', 422, `filters: ${member.name} is a number, got '${text}'`)
  }

/** The start and end of the range or instant that rows are compared with. */
function instants(
  { operator, values = [] }: Condition,
  now: Now,
): { readonly values: readonly number[]; readonly isRelative: boolean } {
  const [first = '', second] = values
  if (operator === 'inDateRange' || operator === 'notInDateRange') {
    const range = parseDateRange(second === undefined ? first : [first, second], now)
    return { values: [range.from, range.to], isRelative: range.isRelative }
  }
  const { start, end, isRelative } = parseInstant(first, now)
  return { values: [start, end], isRelative }
}
