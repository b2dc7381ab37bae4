import { toPredicate, type Predicate } from '../access/to-predicate.ts'
import { Problem } from '../lib/problem.ts'
import type { Scope } from './build-scope.ts'
import type { Member } from './dataset.ts'
import { comparisonsIn, type Plan } from './plan.ts'

declare const governed: unique symbol

/** What of a table a statement may read: these columns of these rows, and those that tell who called only where the asker may know it. */
export type Scan = {
  readonly columns: readonly string[]
  readonly rows: Predicate
  readonly callers: Predicate
}

/** A plan within what the asker may see. Only governPlan makes one, and compilePlan takes nothing else. */
export type GovernedPlan = Plan & { readonly scan: Scan; readonly [governed]: true }

/** The plan within what the asker may see: row rule and masks added; refused when it would filter, group, order or count by what is masked. */
export function governPlan(plan: Plan, scope: Scope): GovernedPlan {
  const isMasked = (member: Member): boolean =>
    member.identity && scope.identity.scope === 'nothing'
  for (const member of usedIn(plan)) {
    if (!isMasked(member)) continue
    const message = `${member.name} is masked: it cannot filter, group, order or count, and shows only as null in ungrouped questions. ${scope.identity.because}`
    throw new Problem('query.masked', 403, message, { detail: { member: member.name } })
  }
  const columns = plan.columns.map((column) =>
    isMasked(column.member) ? { ...column, masked: true as const } : column,
  )
  const read = [
    plan.dataset.time,
    ...columns.filter(({ masked }) => masked === undefined).map(({ member }) => member),
    ...plan.segments,
    ...comparisonsIn([...plan.where, ...plan.having]).map(({ member }) => member),
  ]
  const scan: Scan = {
    columns: [...new Set(read.flatMap((member) => member.columns))].toSorted(),
    rows: toPredicate(scope.rows, 'row'),
    callers: toPredicate(scope.callers, 'caller'),
  }
  return { ...plan, columns, scan } as unknown as GovernedPlan
}

/** The members by which a plan filters, groups, orders or counts; a question for rows only shows its columns, unless it orders by them. */
function usedIn(plan: Plan): readonly Member[] {
  const ordering = plan.order.filter(({ asked }) => asked)
  const shown = plan.ungrouped
    ? ordering.flatMap(({ column }) => plan.columns[column] ?? [])
    : plan.columns
  return [
    ...shown.map(({ member }) => member),
    ...plan.segments,
    ...comparisonsIn([...plan.where, ...plan.having]).map(({ member }) => member),
  ]
}
