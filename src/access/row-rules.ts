import { levels } from './decide.ts'
import { idsNamed } from './path.ts'
import type { EndpointRule, EntityRule, Rights } from './rights.ts'
import {
  allOf,
  anyOf,
  assume,
  choose,
  everyRow,
  noRow,
  not,
  oneOf,
  type RowRule,
} from './row-rule.ts'

/** Entities whose read permission makes a row visible. Declared by a dataset. */
export type RowPolicy =
  | { readonly rule: 'service_or_route' }
  | {
      readonly rule: 'collection'
      /** First segment of an Admin API path, for example `audit`. */
      readonly collection: string
      /** False when rows belong to no workspace. */
      readonly hasWorkspace: boolean
    }

/** The rows that a principal may see. */
export function rowRule(rights: Rights, policy: RowPolicy): RowRule {
  if (policy.rule === 'service_or_route') return trafficRule(rights)
  const rule = collectionRule(rights, policy.collection)
  return policy.hasWorkspace ? rule : assume(rule, { workspace: '', workspace_name: '' })
}

/**
 * Rows whose service the principal may read. Where no rule applies to the service, the route decides; for rows without
 * service and route, the permission to read the collection of services.
 */
export function trafficRule(rights: Rights): RowRule {
  const service = verdictRules(rights, 'services', serviceColumns)
  const route = verdictRules(rights, 'routes', routeColumns)
  const hasService = not(oneOf('service', ['']))
  const hasRoute = not(oneOf('route', ['']))
  return choose(
    hasService,
    anyOf(service.allow, allOf(not(service.deny), hasRoute, route.allow)),
    choose(hasRoute, route.allow, collectionRule(rights, 'services')),
  )
}

/** Rows of the workspaces in which the principal may read a collection of the Admin API. */
export const collectionRule = (rights: Rights, collection: string): RowRule =>
  verdictRules(rights, collection).allow

/**
 * Rows whose caller is visible to the principal: those of readable consumers. For rows without a consumer, the permission
 * to read the collection decides. A denial at the collection covers all of its consumers, as it does in lists.
 */
export function callerRule(rights: Rights, collection: string): RowRule {
  const list = verdictRules(rights, collection)
  const item = verdictRules(rights, collection, consumerColumns)
  const hasConsumer = not(oneOf('consumer', ['']))
  return allOf(not(list.deny), choose(hasConsumer, item.allow, list.allow))
}

/** Rows of the workspaces in which every caller is visible to the principal, for tables that do not store the caller. */
export function everyCallerRule(rights: Rights, collection: string): RowRule {
  const list = verdictRules(rights, collection)
  const item = verdictRules(rights, collection, 'every')
  return allOf(list.allow, item.allow)
}

type EntityColumns = {
  readonly id: 'service' | 'route' | 'consumer'
  readonly name: 'service_name' | 'route_name' | 'consumer_name'
}
/** The entities that rules decide about: the one in these columns of a row, or every one of the workspace. */
type Item = EntityColumns | 'every'

const consumerColumns: EntityColumns = { id: 'consumer', name: 'consumer_name' }
const serviceColumns: EntityColumns = { id: 'service', name: 'service_name' }
const routeColumns: EntityColumns = { id: 'route', name: 'route_name' }

/**
 * The rows for which reading is allowed, and those for which it is denied: reading the item or, without an item, the
 * collection. Must agree with verdictOn for every row.
 */
function verdictRules(
  rights: Rights,
  kind: string,
  item?: Item,
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
          .map((rule) => allOf(inWorkspaceOf(rule), named(rights, rule, kind, item))),
      )
    const [denied, allowed] = [rowsOf(true), rowsOf(false)]
    deny = anyOf(denied, allOf(not(allowed), deny))
    allow = allOf(not(denied), anyOf(allowed, allow))
  }
  if (item === undefined) return { allow, deny }
  const rowsOf = (negative: boolean): RowRule =>
    anyOf(
      ...rights.entities
        .filter((rule) => rule.actions.includes('read') && rule.negative === negative)
        .map((rule) => entityRows(rights, rule, kind, item)),
    )
  const refused = anyOf(deny, rowsOf(true))
  return { allow: allOf(not(refused), anyOf(allow, rowsOf(false))), deny: refused }
}

const within = (workspace: string | undefined): RowRule =>
  workspace === undefined ? everyRow : oneOf('workspace', [workspace])

/** The rows of the workspaces that a rule covers. A denial also covers rows recorded under the name that it was written with. */
function inWorkspaceOf({ confined, written, negative }: EndpointRule): RowRule {
  if (written === undefined) return within(confined)
  const byId = written.id === undefined ? noRow : within(written.id)
  const byName = negative ? oneOf('workspace_name', [written.name]) : noRow
  return allOf(within(confined), anyOf(byId, byName))
}

/** The rows of the entities that a rule's path names. A denial also covers rows recorded under that name. */
function named(rights: Rights, rule: EndpointRule, kind: string, item: Item | undefined): RowRule {
  if (rule.segments === undefined) return everyRow
  const [collection, entity, ...rest] = rule.segments
  if (rest.length > 0 || (collection !== '*' && collection !== kind)) return noRow
  if (item === undefined) return entity === undefined ? everyRow : noRow
  if (entity === '*') return everyRow
  return entity === undefined ? noRow : namedItem(rights, rule, kind, entity, item)
}

function namedItem(
  rights: Rights,
  rule: EndpointRule,
  kind: string,
  entity: string,
  item: Item,
): RowRule {
  if (item === 'every') return rule.negative ? everyRow : noRow
  const workspace = rule.written?.id ?? rule.confined
  const ids = idsNamed(rights, kind, entity, workspace)
  const byId = oneOf(
    item.id,
    ids.filter((id) => !rights.named.isOfAnotherKind(kind, id)),
  )
  return rule.negative ? anyOf(byId, oneOf(item.name, [entity])) : byId
}

function entityRows({ named }: Rights, rule: EntityRule, kind: string, item: Item): RowRule {
  if (rule.entity === '*')
    return rule.kind === undefined || rule.kind === kind ? within(rule.confined) : noRow
  const ofItem = (): RowRule => {
    if (named.isOfAnotherKind(kind, rule.entity)) return noRow
    if (item === 'every') return rule.negative ? everyRow : noRow
    return oneOf(item.id, [rule.entity])
  }
  return allOf(within(rule.confined), anyOf(ofItem(), oneOf('workspace', [rule.entity])))
}
