import { entities } from '../entities/entities.ts'
import { idsNamed, segmentsOf } from './path.ts'
import type { Ask, Decision, EndpointRule, EntityRule, Rights } from './rights.ts'

/** What the rules say about a question: yes, no, or nothing at all; `rule` is the one that spoke. */
export type Verdict =
  | { readonly says: 'allow' | 'deny'; readonly rule: EndpointRule | EntityRule }
  | { readonly says: 'nothing' }

/** Whether a principal may do something at a path of the Admin API, and which rule says so. What no rule allows is denied. */
export function decide(rights: Rights, ask: Ask): Decision {
  const verdict = verdictOn(rights, ask)
  if (verdict.says !== 'nothing')
    return { allowed: verdict.says === 'allow', because: sentence(verdict.rule.words) }
  const where = ask.workspace.name === '' ? '' : ` in workspace ${ask.workspace.name}`
  const because = `no role of ${rights.asker.name} speaks about ${ask.action} at ${ask.path}${where}, and what is not allowed is denied`
  return { allowed: false, because: sentence(because) }
}

/** What the rules say: endpoint rules by Kong's four levels, then entity rules; a denial wins over any grant of its level, and over every entity rule. */
export function verdictOn(rights: Rights, ask: Ask): Verdict {
  const byPath = endpointVerdict(rights, ask)
  if (byPath.says === 'deny') return byPath
  const byEntity = combine(rights.entities.filter((rule) => entityMatches(rule, ask)))
  return byEntity.says === 'nothing' || (byEntity.says === 'allow' && byPath.says === 'allow')
    ? byPath
    : byEntity
}

/** Kong's levels, most telling first: a path here, a path anywhere, any path here, any path anywhere. */
export const levels: readonly ((rule: EndpointRule) => boolean)[] = [
  (rule) => rule.segments !== undefined && rule.written !== undefined,
  (rule) => rule.segments !== undefined && rule.written === undefined,
  (rule) => rule.segments === undefined && rule.written !== undefined,
  (rule) => rule.segments === undefined && rule.written === undefined,
]

/** Every rule that speaks about a question, the most telling first: endpoint rules in order of level, then entity rules. */
export const rulesAbout = (rights: Rights, ask: Ask): readonly (EndpointRule | EntityRule)[] => [
  ...levels.flatMap((level) =>
    rights.endpoints.filter((rule) => level(rule) && endpointMatches(rights, rule, ask)),
  ),
  ...rights.entities.filter((rule) => entityMatches(rule, ask)),
]

/** `developer forbids …` as a sentence. */
export const sentence = (words: string): string =>
  `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

function endpointVerdict(rights: Rights, ask: Ask): Verdict {
  const matching = rights.endpoints.filter((rule) => endpointMatches(rights, rule, ask))
  for (const level of levels) {
    const verdict = combine(matching.filter(level))
    if (verdict.says !== 'nothing') return verdict
  }
  return { says: 'nothing' }
}

function combine(rules: readonly (EndpointRule | EntityRule)[]): Verdict {
  const rule = rules.find(({ negative }) => negative) ?? rules[0]
  return rule === undefined ? { says: 'nothing' } : { says: rule.negative ? 'deny' : 'allow', rule }
}

function endpointMatches(rights: Rights, rule: EndpointRule, ask: Ask): boolean {
  if (!rule.actions.includes(ask.action)) return false
  if (rule.confined !== undefined && rule.confined !== ask.workspace.id) return false
  if (rule.written !== undefined && !isWritten(rule, rule.written, ask)) return false
  return rule.segments === undefined || pathMatches(rights, rule.segments, ask)
}

// A denial also holds for a workspace of the written name that is gone.
const isWritten = (
  rule: EndpointRule,
  written: NonNullable<EndpointRule['written']>,
  { workspace }: Ask,
): boolean =>
  written.id === undefined
    ? rule.negative && written.name === workspace.name
    : written.id === workspace.id || (rule.negative && written.name === workspace.name)

function pathMatches(rights: Rights, pattern: readonly string[], ask: Ask): boolean {
  const path = segmentsOf(ask.path)
  return (
    path.length === pattern.length &&
    pattern.every(
      (segment, at) =>
        segment === '*' ||
        segment === path[at] ||
        isSameEntity(rights, ask, [segment, path[at] ?? '', path[at - 1] ?? '']),
    )
  )
}

/** Whether the rule and the path name one entity in two ways, by its id and by its key. */
function isSameEntity(
  rights: Rights,
  { workspace, entity }: Ask,
  [rule, segment, kind]: readonly [string, string, string],
): boolean {
  const references = entity === undefined ? [] : [entity.id, entity.name]
  if (references.includes(rule) && references.includes(segment)) return true
  const named = idsNamed(rights, kind, rule, workspace.id)
  return idsNamed(rights, kind, segment, workspace.id).some((id) => named.includes(id))
}

function entityMatches(rule: EntityRule, { workspace, entity, action }: Ask): boolean {
  if (entity === undefined || !rule.actions.includes(action)) return false
  if (rule.confined !== undefined && rule.confined !== workspace.id) return false
  if (rule.entity === '*') return rule.kind === undefined || rule.kind === pluralOf(entity.type)
  return rule.entity === entity.id || rule.entity === workspace.id
}

const pluralOf = (type: string): string =>
  entities.find(({ name, plural }) => name === type || plural === type)?.plural ?? type
