import {
  explainIdentity,
  explainVisibility,
  type IdentityScope,
} from '../../access/explain-visibility.ts'
import type { Rights } from '../../access/rights.ts'
import { assume, everyRow, type RowRule } from '../../access/row-rule.ts'
import { callerRule, rowRule } from '../../access/row-rules.ts'
import type { Visibility } from '../../schema/answer.ts'
import type { Dataset, Member } from './dataset.ts'

/** What a principal sees of a dataset. */
export type Scope = {
  readonly rights: Rights
  readonly rows: RowRule
  /** The rows in which identity columns are not masked. */
  readonly callers: RowRule
  readonly identity: IdentityScope
  readonly visibility: Visibility
}

/** Applies the policy of a dataset to the rights of a principal. */
export function buildScope(rights: Rights, { policy, noun, members }: Dataset): Scope {
  const rows = rowRule(rights, policy.rows)
  const visibility = explainVisibility(rights, policy.rows, noun)
  if (policy.identity === undefined) {
    const workspaces = rights.workspaces.map(({ name }) => name)
    const identity = { scope: 'all', workspaces, isPartial: false, because: '' } as const
    return { rights, rows, callers: everyRow, identity, visibility }
  }
  const { collection } = policy.identity
  const callers = callerRule(rights, collection)
  const hasWorkspace = policy.columns.workspace !== undefined
  const scope: Scope = {
    rights,
    rows,
    callers: hasWorkspace ? callers : assume(callers, { workspace: '', workspace_name: '' }),
    identity: explainIdentity(rights, rows, collection),
    visibility,
  }
  const masked = [...members.values()]
    .filter((member) => member.kind === 'dimension' && isMasked(member, scope))
    .map(({ name }) => ({ member: name, reason: scope.identity.because }))
  return { ...scope, visibility: { ...visibility, masked } }
}

/** Whether a member is masked in every row. */
export const isMasked = (member: Member, { identity }: Scope): boolean =>
  member.identity && identity.scope === 'nothing'
