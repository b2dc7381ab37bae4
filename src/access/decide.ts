import { entities } from '../entities/entities.ts'
import { buildPath, idsNamed, segmentsOf } from './path.ts'
import type { AccessRequest, Decision, EndpointRule, EntityRule, Rights } from './rights.ts'

/** Decision and deciding rule. `nothing` means that no rule applies. */
export type Verdict =
  | { readonly says: 'allow' | 'deny'; readonly rule: EndpointRule | EntityRule }
  | { readonly says: 'nothing' }

/** Whether a principal may act on a path of the Admin API, and the rule that decides. Denied by default. */
export function decide(rights: Rights, ask: AccessRequest): Decision {
  const verdict = verdictOn(rights, ask)
  if (verdict.says !== 'nothing')
    return { allowed: verdict.says === 'allow', because: sentence(verdict.rule.words) }
  const where = ask.workspace.name === '' ? '' : ` in workspace ${ask.workspace.name}`
  const because = `no role of ${rights.principal.name} allows ${ask.action} at ${ask.path}${where}`
  return { allowed: false, because: sentence(because) }
}

/**
 * Endpoint rules decide by Kong's four levels, then entity rules. Within a level a denial wins over every grant. An endpoint
 * denial wins over entity grants, and an entity denial over endpoint grants.
 */
export function verdictOn(rights: Rights, ask: AccessRequest): Verdict {
  const byPath = endpointVerdict(rights, ask)
  if (byPath.says === 'deny') return byPath
  const byEntity = combine(rights.entities.filter((rule) => entityMatches(rule, ask)))
  return byEntity.says === 'nothing' || (byEntity.says === 'allow' && byPath.says === 'allow')
    ? byPath
    : byEntity
}

/** Whether the entity that a request refers to may be read at its own path. */
export const mayReadEntity = (rights: Rights, { workspace, entity }: AccessRequest): boolean =>
  entity === undefined ||
  verdictOn(rights, {
    workspace,
    path: buildPath(entity.type, entity.name ?? entity.id),
    action: 'read',
    entity,
  }).says === 'allow'

/** Kong's levels, most specific first: path in a workspace, path in `*`, `*` in a workspace, `*` in `*`. */
export const levels: readonly ((rule: EndpointRule) => boolean)[] = [
  (rule) => rule.segments !== undefined && rule.written !== undefined,
  (rule) => rule.segments !== undefined && rule.written === undefined,
  (rule) => rule.segments === undefined && rule.written !== undefined,
  (rule) => rule.segments === undefined && rule.written === undefined,
]

/** Every rule that applies to a request, most specific first: endpoint rules by level, then entity rules. */
export const matchingRules = (
  rights: Rights,
  ask: AccessRequest,
): readonly (EndpointRule | EntityRule)[] => [
  ...levels.flatMap((level) =>
    rights.endpoints.filter((rule) => level(rule) && endpointMatches(rights, rule, ask)),
  ),
  ...rights.entities.filter((rule) => entityMatches(rule, ask)),
]

/** Capitalizes the words of a rule and adds a full stop. */
export const sentence = (words: string): string =>
  `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

function endpointVerdict(rights: Rights, ask: AccessRequest): Verdict {
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

function endpointMatches(rights: Rights, rule: EndpointRule, ask: AccessRequest): boolean {
  if (!rule.actions.includes(ask.action)) return false
  if (rule.confined !== undefined && rule.confined !== ask.workspace.id) return false
  if (rule.written !== undefined && !isWritten(rule, rule.written, ask)) return false
  return rule.segments === undefined || pathMatches(rights, rule.segments, ask)
}

// A denial also applies to a deleted workspace that had the written name.
const isWritten = (
  rule: EndpointRule,
  written: NonNullable<EndpointRule['written']>,
  { workspace }: AccessRequest,
): boolean =>
  written.id === undefined
    ? rule.negative && written.name === workspace.name
    : written.id === workspace.id || (rule.negative && written.name === workspace.name)

function pathMatches(rights: Rights, pattern: readonly string[], ask: AccessRequest): boolean {
  const path = segmentsOf(ask.path)
  return (
    path.length === pattern.length &&
    pattern.every(
      (segment, at) =>
        segment === '*' ||
        segment === path[at] ||
        isSameEntity(rights, ask, path[at - 1] ?? '', segment, path[at] ?? ''),
    )
  )
}

/** Whether a rule and a path refer to the same entity, one by its id and the other by its key. */
function isSameEntity(
  rights: Rights,
  { workspace, entity }: AccessRequest,
  kind: string,
  written: string,
  requested: string,
): boolean {
  const references = entity === undefined ? [] : [entity.id, entity.name]
  if (references.includes(written) && references.includes(requested)) return true
  const ids = idsNamed(rights, kind, written, workspace.id)
  return idsNamed(rights, kind, requested, workspace.id).some((id) => ids.includes(id))
}

function entityMatches(rule: EntityRule, { workspace, entity, action }: AccessRequest): boolean {
  if (entity === undefined || !rule.actions.includes(action)) return false
  if (rule.confined !== undefined && rule.confined !== workspace.id) return false
  if (rule.entity === '*') return rule.kind === undefined || rule.kind === pluralOf(entity.type)
  return rule.entity === entity.id || rule.entity === workspace.id
}

const pluralOf = (type: string): string =>
  entities.find(({ name, plural }) => name === type || plural === type)?.plural ?? type
