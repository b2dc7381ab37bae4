import type { Visibility } from '../schema/answer.ts'
import { decideRow } from './decide-row.ts'
import { sentence } from './decide.ts'
import type { EndpointRule, EntityRule, Named, Rights } from './rights.ts'
import type { RowRule } from './row-rule.ts'
import { rowRule, type RowPolicy } from './row-rules.ts'
import {
  coversReading,
  entitiesOf,
  inWorkspace,
  visibleEntities,
  type WorkspaceRef,
} from './visible.ts'

/** Noun for rows in the singular and plural, for example `audit record` and `audit records`. */
export type RowNoun = { readonly one: string; readonly many: string }

/** Explains which rows a principal sees, and the rules that decide it. */
export function explainVisibility(rights: Rights, policy: RowPolicy, noun: RowNoun): Visibility {
  const rule = rowRule(rights, policy)
  return {
    scope: scopeOf(rule),
    statement: statementOf(rights, policy, rule, noun),
    because: becauseOf(rights, policy),
    masked: [],
    revision: rights.revision,
  }
}

const scopeOf = (rule: RowRule): Visibility['scope'] =>
  rule.is === 'true' ? 'all' : rule.is === 'false' ? 'nothing' : 'some'

function statementOf(
  rights: Rights,
  policy: RowPolicy,
  rule: RowRule,
  { one, many }: RowNoun,
): string {
  if (rule.is === 'true') return `You see every ${one}.`
  const workspaces = rights.workspaces.map((workspace) => ({
    workspace,
    rule: inWorkspace(rule, workspace),
  }))
  const complete = workspaces.filter((entry) => entry.rule.is === 'true')
  const partial = workspaces.filter(
    (entry) => entry.rule.is !== 'true' && entry.rule.is !== 'false',
  )
  const phrases = [
    ...(complete.length > 0
      ? [workspacePhrase(complete.map(({ workspace }) => workspace.name))]
      : []),
    ...partial.map(({ workspace }) => partialPhrase(rights, rule, workspace)),
  ]
  if (phrases.length > 0) return `You see ${many} of ${phrases.join(', and of ')}.`
  return rule.is === 'false'
    ? `You see no ${many}: none of your roles lets you read ${readable(policy)}.`
    : `You see no ${many} of any existing workspace.`
}

const readable = (policy: RowPolicy): string =>
  policy.rule === 'service_or_route' ? 'services or routes' : `/${policy.collection}`

const pathsOf = (policy: RowPolicy): string =>
  policy.rule === 'service_or_route' ? '/services or /routes' : `/${policy.collection}`

export const workspacePhrase = (names: readonly string[]): string =>
  `${names.length === 1 ? 'workspace' : 'workspaces'} ${list(names)}`

function partialPhrase(rights: Rights, rule: RowRule, workspace: WorkspaceRef): string {
  const isHere = (named: Named): boolean => named.workspace === workspace.id
  const visible = new Set(visibleEntities(rights, rule, 'services'))
  const services = entitiesOf(rights, 'services').filter(isHere)
  const shown = services.filter((service) => visible.has(service))
  const hidden = services.filter((service) => !visible.has(service))
  if (isOpenByDefault(rule, workspace) && hidden.length > 0)
    return `workspace ${workspace.name} except some services`
  if (shown.length > 0) return `${counted('service', shown)} in workspace ${workspace.name}`
  const routes = visibleEntities(rights, rule, 'routes').filter(isHere)
  return routes.length > 0
    ? `${counted('route', routes)} in workspace ${workspace.name}`
    : `a part of workspace ${workspace.name}`
}

/** Whether a service that no rule names is visible, so that hidden services are the exception. */
const isOpenByDefault = (rule: RowRule, { id, name }: WorkspaceRef): boolean =>
  decideRow(rule, {
    workspace: id,
    workspace_name: name,
    service: 'named by no rule',
    service_name: '',
    route: '',
    route_name: '',
  })

function becauseOf(rights: Rights, policy: RowPolicy): readonly string[] {
  const rules =
    policy.rule === 'service_or_route'
      ? [
          ...rights.endpoints.filter((rule) => coversReading(rule, ['services', 'routes'])),
          ...rights.entities.filter(({ actions }) => actions.includes('read')),
        ]
      : rights.endpoints.filter((rule) => coversReading(rule, [policy.collection]))
  return rules.length > 0
    ? [...new Set(rules.map(wordsOf))]
    : [`No role of ${rights.principal.name} allows read at ${pathsOf(policy)}.`]
}

/** A denial of one entity does not name it, because the reader may not read that entity. */
export function wordsOf(rule: EndpointRule | EntityRule): string {
  const { words, negative, source } = rule
  if (!negative) return sentence(words)
  const [collection, entity] = ('segments' in rule ? rule.segments : undefined) ?? []
  if (entity !== undefined && entity !== '*')
    return sentence(words.replace(` ${source.about} `, () => ` /${collection}/… `))
  const isOne = 'entity' in rule && rule.entity !== '*'
  return sentence(isOne ? words.replace(source.about, 'one entity') : words)
}

const counted = (word: string, named: readonly Named[]): string =>
  `${word}${named.length === 1 ? '' : 's'} ${list(named.map(({ id, name }) => name ?? id))}`

/** At most five names, in alphabetical order. */
function list(names: readonly string[]): string {
  const sorted = names.toSorted()
  const shown = sorted.slice(0, 5)
  if (sorted.length > 5) return `${shown.join(', ')} and ${sorted.length - 5} more`
  const last = shown.at(-1) ?? ''
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`
}
