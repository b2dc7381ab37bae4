import { Problem } from '../lib/problem.ts'
import type { Condition, Filter, Operator } from '../schema/query.ts'
import type { Member } from './dataset.ts'
import { parseDateRange, parseInstant, type Now } from './date-range.ts'
import { comparisonsIn, type Comparison, type PlanFilter } from './plan.ts'

/** What a filter needs to be planned: where words are found, and when it is. */
export type FilterContext = Now & { readonly find: (name: string) => Member }

/** A filter with its words resolved and its values read. */
export function planFilter(filter: Filter, context: FilterContext): PlanFilter {
  if ('and' in filter) return { and: filter.and.map((part) => planFilter(part, context)) }
  if ('or' in filter) return { or: filter.or.map((part) => planFilter(part, context)) }
  return planComparison(filter, context)
}

/** Whether a filter is about groups and not about rows; one that is about both has no place in the question. */
export function isAboutGroups(filter: PlanFilter): boolean {
  const kinds = new Set(comparisonsIn([filter]).map(({ member }) => member.kind))
  if (kinds.size > 1)
    throw new Problem(
      'query.mixed',
      422,
      'filters: dimensions and measures cannot share one and / or',
    )
  return kinds.has('measure')
}

const ofLists = ['equals', 'notEquals', 'contains', 'notContains', 'set', 'notSet'] as const
const ofText = [...ofLists, 'startsWith', 'notStartsWith', 'endsWith', 'notEndsWith'] as const
const ofNumbers = ['equals', 'notEquals', 'gt', 'gte', 'lt', 'lte', 'set', 'notSet'] as const
const ofTimes = [
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
    const message = `filters: ${condition.operator} does not work on ${member.name}; expected one of: ${operators.join(', ')}`
    throw new Problem('query.operator', 422, message)
  }
  const texts = condition.values ?? []
  checkCount(condition, texts.length)
  return member.type === 'time'
    ? { member, operator: condition.operator, ...instants(condition, context) }
    : { member, operator: condition.operator, values: texts.map(read(member)), moves: false }
}

function operatorsOf(member: Member): readonly Operator[] {
  if (member.kind === 'segment') return []
  if (member.list) return ofLists
  return { string: ofText, number: ofNumbers, time: ofTimes, boolean: [] }[member.type]
}

function checkCount({ member, operator }: Condition, count: number): void {
  const [least, most, words] = expectedCount(operator)
  if (count >= least && count <= most) return
  const message = `filters: ${operator} of ${member} takes ${words}, and got ${count}`
  throw new Problem('query.values', 422, message)
}

function expectedCount(operator: Operator): readonly [number, number, string] {
  if (operator === 'set' || operator === 'notSet') return [0, 0, 'no values']
  if (takesOne.has(operator)) return [1, 1, 'one value']
  if (operator.endsWith('DateRange')) return [1, 2, 'words for a range, or its beginning and end']
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

const read =
  (member: Member) =>
  (text: string): string | number => {
    if (member.type !== 'number') return text
    const number = Number(text)
    if (text.trim() !== '' && Number.isFinite(number)) return number
    throw new Problem('query.number', 422, `filters: ${member.name} is a number, '${text}' is not`)
  }

/** The beginning and end between which, or the one instant before or after which, a row's time must be. */
function instants(
  { operator, values = [] }: Condition,
  now: Now,
): { readonly values: readonly number[]; readonly moves: boolean } {
  const [first = '', second] = values
  if (operator === 'inDateRange' || operator === 'notInDateRange') {
    const range = parseDateRange(second === undefined ? first : [first, second], now)
    return { values: [range.from, range.to], moves: range.moves }
  }
  const { start, end, moves } = parseInstant(first, now)
  return { values: [start, end], moves }
}
