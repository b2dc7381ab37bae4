import { explainAudit } from '../access/explain-audit.ts'
import { explainIdentity } from '../access/explain-identity.ts'
import { explainVisibility } from '../access/explain-visibility.ts'
import type { Rights } from '../access/rights.ts'
import { everyRow, type RowRule } from '../access/row-rule.ts'
import { auditRule, identityRule, rowRule } from '../access/row-rules.ts'
import type { Visibility } from '../schema/answer.ts'
import type { Dataset } from './dataset.ts'

/** What an asker may see of a dataset: which rows, who called in which of them, and both in plain words. */
export type Scope = {
  readonly rights: Rights
  readonly rows: RowRule
  readonly callers: RowRule
  readonly identity: ReturnType<typeof explainIdentity>
  readonly visibility: Visibility
}

/** What follows from rights for one dataset. */
export function buildScope(rights: Rights, dataset: Dataset): Scope {
  return dataset.policy === 'audit' ? scopeOfAudit(rights) : scopeOfTraffic(rights, dataset)
}

/** Who may read the log of a workspace may know who acted there. */
function scopeOfAudit(rights: Rights): Scope {
  const workspaces = rights.workspaces.map(({ name }) => name)
  return {
    rights,
    rows: auditRule(rights),
    callers: everyRow,
    identity: { scope: 'all', workspaces, because: '' },
    visibility: explainAudit(rights),
  }
}

function scopeOfTraffic(rights: Rights, dataset: Dataset): Scope {
  const identity = explainIdentity(rights)
  const masked =
    identity.scope === 'nothing'
      ? [...dataset.members.values()].filter(
          (member) => member.identity && member.kind === 'dimension',
        )
      : []
  return {
    rights,
    rows: rowRule(rights),
    callers: identityRule(rights),
    identity,
    visibility: {
      ...explainVisibility(rights),
      masked: masked.map(({ name }) => ({ member: name, reason: identity.because })),
    },
  }
}
