import type { Visibility } from '../schema/answer.ts'
import { sentence } from './decide.ts'
import { decideRow } from './decide-row.ts'
import type { Named, Rights } from './rights.ts'
import type { RowRule } from './row-rule.ts'
import { rowRule } from './row-rules.ts'
import { allNamed, inWorkspace, readable, speaksOf, type Place } from './visible.ts'

/** What a principal may see, in plain words, and the rules that say so. */
export function explainVisibility(rights: Rights): Visibility {
  const rule = rowRule(rights)
  return {
    scope: rule.is === 'true' ? 'all' : rule.is === 'false' ? 'nothing' : 'some',
    statement: statementOf(rights, rule),
    because: becauseOf(rights),
    masked: [],
    revision: rights.revision,
  }
}

function statementOf(rights: Rights, rule: RowRule): string {
  if (rule.is === 'true') return 'You see every request.'
  const places = rights.workspaces.map((workspace) => ({
    workspace,
    rule: inWorkspace(rule, workspace),
  }))
  const whole = places.filter((place) => place.rule.is === 'true')
  const parts = places.filter((place) => place.rule.is !== 'true' && place.rule.is !== 'false')
  const phrases = [
    ...(whole.length > 0 ? [wholeWords(whole.map(({ workspace }) => workspace.name))] : []),
    ...parts.map(({ workspace }) => partWords(rights, rule, workspace)),
  ]
  if (phrases.length > 0) return `You see requests of ${phrases.join(', and of ')}.`
  return rule.is === 'false'
    ? 'You see no requests: none of your roles lets you read services or routes.'
    : 'You see no requests of any present workspace.'
}

const wholeWords = (names: readonly string[]): string =>
  `${names.length === 1 ? 'workspace' : 'workspaces'} ${list(names)}`

function partWords(rights: Rights, rule: RowRule, place: Place): string {
  const isHere = (named: Named): boolean => named.workspace === place.id
  const seen = new Set(readable(rights, rule, 'services'))
  const services = allNamed(rights, 'services').filter(isHere)
  const shown = services.filter((service) => seen.has(service))
  const hidden = services.filter((service) => !seen.has(service))
  if (isOpen(rule, place) && hidden.length > 0)
    return `workspace ${place.name} except ${noun('service', hidden)}`
  if (shown.length > 0) return `${noun('service', shown)} in workspace ${place.name}`
  const routes = readable(rights, rule, 'routes').filter(isHere)
  return routes.length > 0
    ? `${noun('route', routes)} in workspace ${place.name}`
    : `a part of workspace ${place.name}`
}

/** Whether a service that no rule has heard of is seen, so that what is hidden is the exception. */
const isOpen = (rule: RowRule, { id, name }: Place): boolean =>
  decideRow(rule, {
    workspace: id,
    workspace_name: name,
    service: 'unheard of',
    service_name: '',
    route: '',
    route_name: '',
  })

function becauseOf(rights: Rights): readonly string[] {
  const rules = [
    ...rights.endpoints.filter((rule) => speaksOf(rule, ['services', 'routes'])),
    ...rights.entities.filter(({ actions }) => actions.includes('read')),
  ]
  return rules.length > 0
    ? [...new Set(rules.map(({ words }) => sentence(words)))]
    : [`No role of ${rights.asker.name} speaks about reading services or routes.`]
}

const noun = (word: string, named: readonly Named[]): string =>
  `${word}${named.length === 1 ? '' : 's'} ${list(named.map(({ id, name }) => name ?? id))}`

function list(names: readonly string[]): string {
  const sorted = names.toSorted()
  const shown = sorted.slice(0, 5)
  if (sorted.length > 5) return `${shown.join(', ')} and ${sorted.length - 5} more`
  const last = shown.at(-1) ?? ''
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`
}
