import { decideRow, type RuledRow } from './decide-row.ts'
import type { EndpointRule, Named, Rights } from './rights.ts'
import { assume, type RowRule } from './row-rule.ts'

export type WorkspaceRef = { readonly id: string; readonly name: string }

/** Whether the rule accepts any row of a workspace. Names that do not exist are treated like invisible ones. */
export function isWorkspaceVisible(rights: Rights, rule: RowRule, nameOrId: string): boolean {
  const candidates = rights.workspaces.filter(({ id, name }) => [id, name].includes(nameOrId))
  return [...candidates, { id: '', name: nameOrId }].some(
    (workspace) => inWorkspace(rule, workspace).is !== 'false',
  )
}

/** Whether the rule accepts rows of a service or route. Names that do not exist are treated like invisible ones. */
export const isEntityVisible = (
  rights: Rights,
  rule: RowRule,
  kind: Named['kind'],
  nameOrId: string,
): boolean =>
  rule.is === 'true' ||
  visibleEntities(rights, rule, kind).some(({ id, name }) => nameOrId === id || nameOrId === name)

/** The rule that remains for rows of one workspace. */
export const inWorkspace = (rule: RowRule, { id, name }: WorkspaceRef): RowRule =>
  assume(rule, { workspace: id, workspace_name: name })

/** The services or routes whose rows the rule accepts, under their current names. */
export function visibleEntities(
  rights: Rights,
  rule: RowRule,
  kind: Named['kind'],
): readonly Named[] {
  const names = namesById(rights)
  return entitiesOf(rights, kind).filter((named) => decideRow(rule, rowOf(named, names)))
}

/** All services or routes. */
export const entitiesOf = (rights: Rights, kind: Named['kind']): readonly Named[] =>
  rights.named.all().filter((named) => named.kind === kind)

/** Whether a rule is about reading one of the collections, or an entity in it. */
export const coversReading = (rule: EndpointRule, kinds: readonly string[]): boolean =>
  rule.actions.includes('read') &&
  (rule.segments === undefined ||
    (rule.segments.length <= 2 && ['*', ...kinds].includes(rule.segments[0] ?? '')))

function namesById(rights: Rights): ReadonlyMap<string, string> {
  const named = [...rights.workspaces, ...rights.named.all()]
  return new Map(named.map(({ id, name }) => [id, name ?? '']))
}

function rowOf(named: Named, names: ReadonlyMap<string, string>): RuledRow {
  const service = named.kind === 'services' ? named.id : (named.service ?? '')
  const route = named.kind === 'routes' ? named.id : ''
  return {
    workspace: named.workspace,
    workspace_name: names.get(named.workspace) ?? '',
    service,
    service_name: names.get(service) ?? '',
    route,
    route_name: names.get(route) ?? '',
  }
}
