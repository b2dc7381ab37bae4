import type { ExplainedRequest, MatchedRule } from '../schema/entitlement.ts'
import { levels, matchingRules, sentence, verdictOn } from './decide.ts'
import type { AccessRequest, EndpointRule, EntityRule, Rights } from './rights.ts'

/** Every rule that applies to a request, and which of them decides. */
export function explainAccess(
  rights: Rights,
  ask: AccessRequest,
  as: ExplainedRequest['as'],
): ExplainedRequest {
  const verdict = verdictOn(rights, ask)
  const decisive = verdict.says === 'nothing' ? undefined : verdict.rule
  return {
    as,
    workspace: ask.workspace.name,
    path: ask.path,
    action: ask.action,
    says: verdict.says,
    rules: matchingRules(rights, ask).map((rule) => describeRule(rule, rule === decisive)),
  }
}

function describeRule(rule: EndpointRule | EntityRule, decides: boolean): MatchedRule {
  const isEndpoint = 'segments' in rule
  const { role, workspace, group, about } = rule.source
  return {
    role,
    workspace,
    ...(group === undefined ? {} : { group }),
    kind: isEndpoint ? 'endpoint' : 'entity',
    about,
    actions: rule.actions,
    negative: rule.negative,
    level: isEndpoint ? levels.findIndex((level) => level(rule)) + 1 : levels.length + 1,
    decides,
    says: sentence(rule.words),
  }
}
