import { z } from 'zod'
import { explainAsk } from '../../access/explain-decision.ts'
import { entitlementsOf, reaches } from '../../access/entitlements.ts'
import type { Rights } from '../../access/rights.ts'
import { notFound, schemaViolation } from '../../entities/kong-problem.ts'
import type { AccessCheck } from '../../control/permit.ts'
import { entities } from '../../entities/entities.ts'
import type {
  AskTold,
  EntitlementRow,
  Entitlements,
  Explanation,
} from '../../schema/entitlement.ts'
import { action as actions, type Action } from '../../entities/action.ts'
import { violationsOf } from '../../entities/violations.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { AdminRoute, Asked, Place } from '../admin-route.ts'
import { actionOf } from '../authorize.ts'
import { findAdminRoute } from './find-admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'

const path = '/rbac/explain'

/** Who may do what in a workspace, and by which rule: about one question, or about everybody and everything. */
export function explainRoute(routes: () => readonly AdminRoute[]): AdminRoute {
  return {
    path,
    locate: (locating) => locateAt(path, locating),
    methods: {
      async GET(asked) {
        const parsed = check.safeParse(asked.request.query)
        if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
        const { user, path: about } = parsed.data
        if (user === undefined && about === undefined) return describeEntitlements(asked)
        if (user === undefined) throw schemaViolation({ user: 'required field missing' })
        if (about === undefined) throw schemaViolation({ path: 'required field missing' })
        return explain(asked, { ...parsed.data, user, path: about }, routes())
      },
    },
  }
}

const check = z.strictObject({
  user: z.string().min(1).optional(),
  path: z.string().startsWith('/').optional(),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  action: actions.optional(),
})

type Wanted = {
  readonly user: string
  readonly path: string
  readonly method?: string | undefined
  readonly action?: Action | undefined
}

function explain(asked: Asked, wanted: Wanted, routes: readonly AdminRoute[]): Explanation {
  const rights = rightsNamed(asked, wanted.user)
  const asks = questionOf(asked, { ...wanted, user: rights.principal.id }, routes)
  const { allowed, because } = asked.configuration.decide(rights.principal.id, asks)
  const told = [
    explainAsk(rights, asks.ask, 'asked'),
    ...(asks.aliases ?? []).map((alias) => explainAsk(rights, alias, 'door')),
    ...(asks.alsoRequired ?? []).map((alsoRequired) => explainAsk(rights, alsoRequired, 'also')),
  ]
  const shown = told.map((one) => shownTo(asked, one))
  const isShown = shown.every((one, at) => one === told[at])
  return {
    principal: rights.principal,
    workspace: asks.ask.workspace.name,
    path: asks.ask.path,
    action: asks.ask.action,
    allowed,
    because: isShown ? because : 'A role of a workspace whose rules you may not read decides this.',
    asks: shown,
    revision: rights.revision,
  }
}

/** The question that a request would raise, exactly as the Admin API asks it; at a path that is not there, the bare one. */
function questionOf(
  { configuration, place }: Asked,
  { user, path: about, method = 'GET', action }: Wanted,
  routes: readonly AdminRoute[],
): AccessCheck {
  const found = findAdminRoute(routes, about)
  const asAction = action ?? found?.route.action ?? actionOf(method)
  if (found === undefined) return { ask: { workspace: place, path: about, action: asAction } }
  const { route, params } = found
  const located = { configuration, place, params, method, action: asAction, principal: user }
  return route.locate(located).check
}

/** The rights of a principal, if they reach the workspace or the caller may read all principals; the others are as unknown as those who do not exist. */
function rightsNamed(asked: Asked, name: string): Rights {
  const { configuration, place } = asked
  const entry = configuration.find({ entity: 'principal', workspace: null, at: name })
  const rights = entry === undefined ? undefined : configuration.rightsOf(entry.id)
  if (rights === undefined || !(reaches(rights, place) || mayReadUsers(asked))) throw notFound()
  return rights
}

const mayReadUsers = ({ configuration, principal }: Asked): boolean =>
  configuration.decide(principal, {
    ask: { workspace: defaultWorkspace, path: '/rbac/users', action: 'read' },
  }).allowed

/** What is decided in another workspace is told with its rules only to those who may ask there. */
function shownTo({ configuration, principal, place }: Asked, told: AskTold): AskTold {
  if (told.workspace === place.name) return told
  const workspace = configuration.find({
    entity: 'workspace',
    workspace: null,
    at: told.workspace,
  })
  const there = { id: workspace?.id ?? '', name: told.workspace }
  const { allowed } = configuration.decide(principal, {
    ask: { workspace: there, path, action: 'read' },
  })
  return allowed ? told : { ...told, rules: [] }
}

/** Everybody whose roles reach the workspace, and how far. */
function describeEntitlements(asked: Asked): Entitlements {
  const { configuration, place } = asked
  const kinds = kindsIn(place)
  const rules: string[] = []
  const numberOf = (rule: string | undefined): number => {
    if (rule === undefined) return -1
    if (!rules.includes(rule)) rules.push(rule)
    return rules.indexOf(rule)
  }
  const principals = configuration
    .list({ entity: 'principal', workspace: null })
    .flatMap(({ id, fields }): EntitlementRow[] => {
      const rights = configuration.rightsOf(id)
      if (rights === undefined || !reaches(rights, place)) return []
      const may = [...entitlementsOf(rights, place, kinds)].map(([kind, actionsOf]) => {
        const cells = Object.entries(actionsOf).map(([name, { extent, because }]) => [
          name,
          { extent, rule: numberOf(because) },
        ])
        return [kind, Object.fromEntries(cells)] as const
      })
      return [
        {
          principal: { ...rights.principal, enabled: fields.enabled },
          roles: rolesReaching(asked, id),
          may: Object.fromEntries(may) as EntitlementRow['may'],
        },
      ]
    })
    .sort((a, b) => (a.principal.name < b.principal.name ? -1 : 1))
  const { revision } = configuration.current()
  return { workspace: place.name, kinds, principals, rules, revision }
}

const rolesReaching = ({ configuration, place }: Asked, principal: string) =>
  configuration
    .rolesOf(principal)
    .filter(({ workspace }) => [place.id, defaultWorkspace.id].includes(workspace.id))
    .map(({ role, workspace, group }) => ({
      name: role.name,
      workspace: workspace.name,
      ...(group === undefined ? {} : { group }),
    }))

/** Kinds of entities that a workspace holds; the default one also what belongs to none. */
function kindsIn(place: Place): readonly string[] {
  const isHere = place.id === defaultWorkspace.id
  const kinds = entities
    .filter(({ inWorkspace, belongsTo }) => (inWorkspace || isHere) && belongsTo === undefined)
    .map(({ plural }) => plural)
  return [...kinds, 'audit']
}
