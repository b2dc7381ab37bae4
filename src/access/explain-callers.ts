import type { CallerVisibility } from '../schema/answer.ts'
import { decideRow, type RuledRow } from './decide-row.ts'
import { sentence } from './decide.ts'
import { wordsOf, workspacePhrase } from './explain-visibility.ts'
import type { EndpointRule, EntityRule, Rights } from './rights.ts'
import { valuesOf, type RowRule } from './row-rule.ts'
import { coversReading, inWorkspace, type WorkspaceRef } from './visible.ts'

/** The rows that a principal sees, the rows in which callers are not masked, and the collection whose readers see callers. */
export type CallerRules = {
  readonly rows: RowRule
  readonly callers: RowRule
  readonly collection: string
  /** Noun for the identity columns, for example `callers`. */
  readonly noun: string
}

/** Explains which of the visible rows show their caller, and which rules mask the others. */
export function explainCallers(rights: Rights, rules: CallerRules): CallerVisibility {
  const extent = callerExtent(rights, rules)
  const scope = scopeOf(extent)
  return {
    scope,
    statement: statementOf(rules, extent, scope),
    because: scope === 'all' ? [] : becauseOf(rights, rules, extent),
  }
}

/** The workspaces of which rows are visible, by how many of their callers are shown. */
export type CallerExtent = {
  readonly [Shown in 'all' | 'some' | 'none']: readonly WorkspaceRef[]
}

/** Rows without a workspace, or of a deleted one, are treated as rows of one more workspace. */
export const elsewhere: WorkspaceRef = { id: '', name: '' }

export function callerExtent(rights: Rights, { rows, callers }: CallerRules): CallerExtent {
  const extent = { all: [], some: [], none: [] } as {
    [Shown in keyof CallerExtent]: WorkspaceRef[]
  }
  for (const workspace of [...rights.workspaces, elsewhere]) {
    if (inWorkspace(rows, workspace).is === 'false') continue
    extent[shownBy(inWorkspace(callers, workspace))].push(workspace)
  }
  return extent
}

/** Whether a rule shows all, some or none of the callers in rows of one workspace. */
function shownBy(rule: RowRule): keyof CallerExtent {
  const outcomes = new Set<boolean>()
  for (const row of rowsThatDiffer(rule)) {
    outcomes.add(decideRow(rule, row))
    if (outcomes.size === 2) return 'some'
  }
  return outcomes.has(true) ? 'all' : 'none'
}

/**
 * Names occur in denials only, so a row that matches one by id and another by name is decided like one of the two: rows that
 * match a single value have every outcome.
 */
function* rowsThatDiffer(rule: RowRule): Generator<RuledRow> {
  yield { consumer: '', consumer_name: '' }
  yield { consumer: unnamed, consumer_name: '' }
  for (const consumer of valuesOf(rule, 'consumer')) yield { consumer, consumer_name: '' }
  for (const name of valuesOf(rule, 'consumer_name'))
    yield { consumer: unnamed, consumer_name: name }
}

/** The id of a consumer that no rule names. */
const unnamed = 'unnamed'

function scopeOf({ all, some, none }: CallerExtent): CallerVisibility['scope'] {
  if (some.length > 0) return 'some'
  if (none.length === 0) return 'all'
  return all.length === 0 ? 'nothing' : 'some'
}

function statementOf(
  { callers, noun }: CallerRules,
  { all, some }: CallerExtent,
  scope: CallerVisibility['scope'],
): string {
  const subject = noun.charAt(0).toUpperCase() + noun.slice(1)
  if (scope === 'all') return `${subject} are shown.`
  if (scope === 'nothing') return `${subject} are masked.`
  const isOpen = (workspace: WorkspaceRef): boolean => isOpenByDefault(callers, workspace)
  const phrases = [
    ...workspacePhrases(all).map((place) => `in ${place}`),
    ...workspacePhrases(some.filter(isOpen)).map((place) => `in ${place} except some`),
    ...workspacePhrases(some.filter((one) => !isOpen(one))).map((place) => `in part of ${place}`),
  ]
  return `${subject} are shown ${phrases.join(', and ')}; otherwise they are masked.`
}

/** Rows without a workspace are mentioned only where there are no others. */
function workspacePhrases(workspaces: readonly WorkspaceRef[]): readonly string[] {
  const names = workspaces.map(({ name }) => name).filter((name) => name !== '')
  if (names.length > 0) return [workspacePhrase(names)]
  return workspaces.length === 0 ? [] : ['rows without a workspace']
}

const isOpenByDefault = (callers: RowRule, workspace: WorkspaceRef): boolean =>
  isShown(callers, workspace, unnamed)

const isShown = (callers: RowRule, { id, name }: WorkspaceRef, consumer: string): boolean =>
  decideRow(callers, { workspace: id, workspace_name: name, consumer, consumer_name: '' })

/** The denials that mask callers, and the workspaces in which no role makes all callers readable. */
function becauseOf(
  rights: Rights,
  { collection, callers }: CallerRules,
  { some, none }: CallerExtent,
): readonly string[] {
  const denials = [
    ...rights.endpoints.filter((rule) => coversReading(rule, [collection])),
    ...rights.entities.filter((rule) => isAboutReading(rights, rule, collection)),
  ].filter(({ negative }) => negative)
  const isUngranted = (workspace: WorkspaceRef): boolean =>
    !(isOpenByDefault(callers, workspace) && isShown(callers, workspace, '')) &&
    !denials.some((rule) => appliesIn(rule, workspace))
  const ungranted = [...some, ...none].filter(isUngranted).map(({ name }) => name)
  const named = ungranted.filter((name) => name !== '')
  const where = named.length === 0 ? '' : ` in ${workspacePhrase(named)}`
  const words = `no role of ${rights.principal.name} allows read at all of /${collection}`
  return [
    ...new Set(denials.map(wordsOf)),
    ...(ungranted.length === 0 ? [] : [sentence(`${words}${where}`)]),
  ]
}

const isAboutReading = ({ named }: Rights, rule: EntityRule, collection: string): boolean =>
  rule.actions.includes('read') &&
  (rule.entity === '*'
    ? rule.kind === undefined || rule.kind === collection
    : !named.isOfAnotherKind(collection, rule.entity))

const appliesIn = (rule: EndpointRule | EntityRule, { id }: WorkspaceRef): boolean =>
  (rule.confined === undefined || rule.confined === id) &&
  (!('written' in rule) || rule.written === undefined || rule.written.id === id)
