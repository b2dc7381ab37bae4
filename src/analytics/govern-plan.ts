import { columnsOf, type RowRule } from '../access/row-rule.ts'
import { toPredicate, type Predicate } from '../access/to-predicate.ts'
import { Problem } from '../lib/problem.ts'
import type { Member } from './datasets/dataset.ts'
import { isMasked, type Scope } from './datasets/scope.ts'
import { comparisonsIn, type Plan } from './plan.ts'

declare const governed: unique symbol

/** The part of a table that a statement reads: columns, rows, and the rows in which identity columns are not masked. */
export type Scan = {
  readonly columns: readonly string[]
  readonly rows: Predicate
  readonly callers: Predicate
  /** The columns that the predicates read. */
  readonly ruled: readonly string[]
}

/** A plan restricted to what a principal sees. Only governPlan builds one, and compilePlan accepts nothing else. */
export type GovernedPlan = Plan & { readonly scan: Scan; readonly [governed]: true }

/** Adds the row rule and the masks. Filtering, grouping, ordering or counting by a masked member is an error. */
export function governPlan(plan: Plan, scope: Scope): GovernedPlan {
  for (const member of usedIn(plan)) {
    if (!isMasked(member, scope)) continue
    const message = `${member.name} is masked for you: it cannot be used to filter, group, order or count. ${(scope.visibility.callers?.because ?? []).join(' ')}`
    throw new Problem('query.masked', 403, message, { detail: { member: member.name } })
  }
  const columns = plan.columns.map((column) =>
    isMasked(column.member, scope) ? { ...column, masked: true as const } : column,
  )
  const read = [
    plan.dataset.time,
    ...columns.filter(({ masked }) => masked === undefined).map(({ member }) => member),
    ...plan.segments,
    ...comparisonsIn([...plan.where, ...plan.having]).map(({ member }) => member),
  ]
  const names = plan.dataset.policy.columns
  const ruledBy = (rule: RowRule) => columnsOf(rule).map((column) => names[column] ?? '')
  const isCaller = read.some((member) => member.identity)
  const scan: Scan = {
    columns: [...new Set(read.flatMap((member) => member.columns))].toSorted(),
    ruled: [...ruledBy(scope.rows), ...(isCaller ? ruledBy(scope.callers) : [])],
    rows: toPredicate(scope.rows, 'row', names),
    callers: toPredicate(scope.callers, 'caller', names),
  }
  return { ...plan, columns, scan } as unknown as GovernedPlan
}

/** The members by which a plan filters, groups, orders or counts. An ungrouped plan only shows its columns, unless it orders by them. */
function usedIn(plan: Plan): readonly Member[] {
  const ordering = plan.order.filter(({ isRequested }) => isRequested)
  const shown = plan.ungrouped
    ? ordering.flatMap(({ column }) => plan.columns[column] ?? [])
    : plan.columns
  return [
    ...shown.map(({ member }) => member),
    ...plan.segments,
    ...comparisonsIn([...plan.where, ...plan.having]).map(({ member }) => member),
  ]
}
