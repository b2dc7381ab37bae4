import { decideRow, type RuledRow } from './decide-row.ts'
import type { EndpointRule, Named, Rights } from './rights.ts'
import { assume, type RowRule } from './row-rule.ts'
import { rowRule } from './row-rules.ts'

/** A workspace as rules know it. */
export type Place = { readonly id: string; readonly name: string }

/** Whether anything of a workspace of this name may be seen; the answer does not depend on whether it exists. */
export function maySeeWorkspace(rights: Rights, nameOrId: string): boolean {
  const rule = rowRule(rights)
  const candidates = rights.workspaces.filter(({ id, name }) => [id, name].includes(nameOrId))
  return [...candidates, { id: '', name: nameOrId }].some(
    (workspace) => inWorkspace(rule, workspace).is !== 'false',
  )
}

/** Whether anything of a service or route of this name or id may be seen; the answer does not depend on whether it exists. */
export function maySeeNamed(rights: Rights, kind: Named['kind'], nameOrId: string): boolean {
  const rule = rowRule(rights)
  return (
    rule.is === 'true' ||
    readable(rights, rule, kind).some(({ id, name }) => nameOrId === id || nameOrId === name)
  )
}

/** The rule once the workspace is known. */
export const inWorkspace = (rule: RowRule, { id, name }: Place): RowRule =>
  assume(rule, { workspace: id, workspace_name: name })

/** The services or routes whose rows are within the rule, as they are named now. */
export function readable(rights: Rights, rule: RowRule, kind: Named['kind']): readonly Named[] {
  const names = namesById(rights)
  return allNamed(rights, kind).filter((named) => decideRow(rule, rowOf(named, names)))
}

/** All services or routes that a rule could name. */
export const allNamed = (rights: Rights, kind: Named['kind']): readonly Named[] =>
  [...rights.named.values()].flat().filter((named) => named.kind === kind)

/** Whether a rule bears on reading one of the collections or something in it. */
export const speaksOf = (rule: EndpointRule, kinds: readonly string[]): boolean =>
  rule.actions.includes('read') &&
  (rule.segments === undefined ||
    (rule.segments.length <= 2 && ['*', ...kinds].includes(rule.segments[0] ?? '')))

function namesById(rights: Rights): ReadonlyMap<string, string> {
  const named = [...rights.workspaces, ...[...rights.named.values()].flat()]
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
