import { levels } from './decide.ts'
import { idsNamed } from './path.ts'
import type { EndpointRule, EntityRule, Rights } from './rights.ts'
import { allOf, anyOf, choose, everyRow, noRow, not, oneOf, type RowRule } from './row-rule.ts'

/** The rows a principal may see: those whose service they may read; when no rule speaks about the service, those whose route they may read; and those with neither where they may read the collection of services. */
export function rowRule(rights: Rights): RowRule {
  const service = verdictRules(rights, 'services', serviceColumns)
  const route = verdictRules(rights, 'routes', routeColumns)
  const hasService = not(oneOf('service', ['']))
  const hasRoute = not(oneOf('route', ['']))
  return choose(
    hasService,
    anyOf(service.allow, allOf(not(service.deny), hasRoute, route.allow)),
    choose(hasRoute, route.allow, verdictRules(rights, 'services').allow),
  )
}

/** The rows whose caller a principal may know: those of workspaces in which they may read consumers. */
export const identityRule = (rights: Rights): RowRule => verdictRules(rights, 'consumers').allow

/** The records of the audit log a principal may see: those of workspaces whose log they may read. */
export const auditRule = (rights: Rights): RowRule => verdictRules(rights, 'audit').allow

type EntityColumns = {
  readonly id: 'service' | 'route'
  readonly name: 'service_name' | 'route_name'
}
const serviceColumns: EntityColumns = { id: 'service', name: 'service_name' }
const routeColumns: EntityColumns = { id: 'route', name: 'route_name' }

/** For which rows the rules allow, and for which they forbid, to read the entity in those columns, or the collection itself. The counterpart of verdictOn. */
function verdictRules(
  rights: Rights,
  kind: string,
  columns?: EntityColumns,
): { readonly allow: RowRule; readonly deny: RowRule } {
  const readable = rights.endpoints.filter(({ actions }) => actions.includes('read'))
  let allow: RowRule = noRow
  let deny: RowRule = noRow
  for (const level of levels.toReversed()) {
    const rules = readable.filter(level)
    const rowsOf = (negative: boolean): RowRule =>
      anyOf(
        ...rules
          .filter((rule) => rule.negative === negative)
          .map((rule) => allOf(reach(rule), named(rights, rule, { kind, columns }))),
      )
    const [denied, allowed] = [rowsOf(true), rowsOf(false)]
    deny = anyOf(denied, allOf(not(allowed), deny))
    allow = allOf(not(denied), anyOf(allowed, allow))
  }
  if (columns === undefined) return { allow, deny }
  const rowsOf = (negative: boolean): RowRule =>
    anyOf(
      ...rights.entities
        .filter((rule) => rule.actions.includes('read') && rule.negative === negative)
        .map((rule) => entityRows(rule, kind, columns)),
    )
  const refused = anyOf(deny, rowsOf(true))
  return { allow: allOf(not(refused), anyOf(allow, rowsOf(false))), deny: refused }
}

const within = (workspace: string | undefined): RowRule =>
  workspace === undefined ? everyRow : oneOf('workspace', [workspace])

/** The rows of the workspaces a rule speaks about; a denial also those recorded under the name that it uses. */
function reach({ confined, written, negative }: EndpointRule): RowRule {
  if (written === undefined) return within(confined)
  const byId = written.id === undefined ? noRow : within(written.id)
  const byName = negative ? oneOf('workspace_name', [written.name]) : noRow
  return allOf(within(confined), anyOf(byId, byName))
}

/** The rows of the entities that a rule's path names; a denial also those recorded under that name. */
function named(
  rights: Rights,
  rule: EndpointRule,
  shape: { readonly kind: string; readonly columns: EntityColumns | undefined },
): RowRule {
  if (rule.segments === undefined) return everyRow
  const [kind, entity, ...rest] = rule.segments
  if (rest.length > 0 || (kind !== '*' && kind !== shape.kind)) return noRow
  if (shape.columns === undefined) return entity === undefined ? everyRow : noRow
  if (entity === undefined) return noRow
  if (entity === '*') return everyRow
  const where = rule.written?.id ?? rule.confined
  const byId = oneOf(shape.columns.id, idsNamed(rights, shape.kind, entity, where))
  return rule.negative ? anyOf(byId, oneOf(shape.columns.name, [entity])) : byId
}

function entityRows(rule: EntityRule, kind: string, columns: EntityColumns): RowRule {
  if (rule.entity !== '*')
    return allOf(
      within(rule.confined),
      anyOf(oneOf(columns.id, [rule.entity]), oneOf('workspace', [rule.entity])),
    )
  return rule.kind === undefined || rule.kind === kind ? within(rule.confined) : noRow
}
