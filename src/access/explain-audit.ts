import type { Visibility } from '../schema/answer.ts'
import { sentence } from './decide.ts'
import type { Rights } from './rights.ts'
import { auditRule } from './row-rules.ts'
import { inWorkspace, speaksOf } from './visible.ts'

/** Which records of the audit log a principal may see, in plain words, and the rules that say so. */
export function explainAudit(rights: Rights): Visibility {
  const rule = auditRule(rights)
  const seen = rights.workspaces
    .filter((workspace) => inWorkspace(rule, workspace).is !== 'false')
    .map(({ name }) => name)
  const rules = rights.endpoints.filter((endpoint) => speaksOf(endpoint, ['audit']))
  const because =
    rules.length > 0
      ? [...new Set(rules.map(({ words }) => sentence(words)))]
      : [`No role of ${rights.asker.name} speaks about reading the audit log.`]
  const scope = rule.is === 'true' ? 'all' : rule.is === 'false' ? 'nothing' : 'some'
  return {
    scope,
    statement: statementOf(scope, seen),
    because,
    masked: [],
    revision: rights.revision,
  }
}

function statementOf(scope: Visibility['scope'], names: readonly string[]): string {
  if (scope === 'all') return 'You see the whole audit log.'
  if (names.length === 0) return 'You see nothing of the audit log.'
  return `You see the audit log of ${names.length === 1 ? 'workspace' : 'workspaces'} ${names.join(', ')}.`
}
