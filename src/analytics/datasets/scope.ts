import { explainCallers } from '../../access/explain-callers.ts'
import { explainVisibility } from '../../access/explain-visibility.ts'
import type { Rights } from '../../access/rights.ts'
import { assume, everyRow, type RowRule } from '../../access/row-rule.ts'
import { callerRule, everyCallerRule, rowRule } from '../../access/row-rules.ts'
import type { Visibility } from '../../schema/answer.ts'
import type { Dataset, Member, Policy } from './dataset.ts'

/** The part of a dataset that a principal sees. */
export type Scope = {
  readonly rights: Rights
  readonly rows: RowRule
  /** The rows in which identity columns are not masked. */
  readonly callers: RowRule
  readonly visibility: Visibility
}

/** Applies the policy of a dataset to the rights of a principal. */
export function buildScope(rights: Rights, { policy, noun, members }: Dataset): Scope {
  const rows = rowRule(rights, policy.rows)
  const visibility = explainVisibility(rights, policy.rows, noun)
  if (policy.identity === undefined) return { rights, rows, callers: everyRow, visibility }
  const callers = callerRuleOf(rights, policy, policy.identity.collection)
  const explained = explainCallers(rights, { rows, callers, ...policy.identity })
  const scope = { rights, rows, callers, visibility: { ...visibility, callers: explained } }
  const reason = explained.because.join(' ')
  const masked = [...members.values()]
    .filter((member) => member.kind === 'dimension' && isMasked(member, scope))
    .map(({ name }) => ({ member: name, reason }))
  return { ...scope, visibility: { ...scope.visibility, masked } }
}

function callerRuleOf(rights: Rights, { columns }: Policy, collection: string): RowRule {
  const rule = columns.consumer === undefined ? everyCallerRule : callerRule
  const callers = rule(rights, collection)
  return columns.workspace === undefined
    ? assume(callers, { workspace: '', workspace_name: '' })
    : callers
}

/** Whether a member is masked in every row. */
export const isMasked = (member: Member, { visibility }: Scope): boolean =>
  member.identity && visibility.callers?.scope === 'nothing'
