import { z } from 'zod'
import { explainAccess } from '../../access/explain-decision.ts'
import { entitlementsOf, reaches } from '../../access/entitlements.ts'
import { mayReadEntity } from '../../access/decide.ts'
import type { Rights } from '../../access/rights.ts'
import { notFound, schemaViolation } from '../../entities/kong-problem.ts'
import type { Strategy } from '../../control/route-validation.ts'
import { decideAccess, rightsWithoutEntities, type AccessCheck } from '../../control/permit.ts'
import { entities } from '../../entities/entities.ts'
import type {
  ExplainedRequest,
  EntitlementRow,
  Entitlements,
  Explanation,
} from '../../schema/entitlement.ts'
import { action as actions, type Action } from '../../entities/action.ts'
import { violationsOf } from '../../entities/violations.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { WorkspaceRef } from '../../control/entity-paths.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { withoutEntities } from '../answer-absent.ts'
import { actionForMethod } from '../authorize.ts'
import { findAdminRoute } from './find-admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'

const path = '/rbac/explain'

/** Explains one decision when `user` and `path` are given, otherwise lists the entitlements of all principals in the workspace. */
export function explainRoute(routes: () => readonly AdminRoute[]): AdminRoute {
  return {
    path,
    locate: (context) => locateAt(path, context),
    methods: {
      async GET(context) {
        const parsed = check.safeParse(context.request.query)
        if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
        const { user, path: about } = parsed.data
        if (user === undefined && about === undefined) return describeEntitlements(context)
        if (user === undefined) throw schemaViolation({ user: 'required field missing' })
        if (about === undefined) throw schemaViolation({ path: 'required field missing' })
        return explain(context, { ...parsed.data, user, path: about }, routes())
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

type ExplainQuery = {
  readonly user: string
  readonly path: string
  readonly method?: string | undefined
  readonly action?: Action | undefined
}

function explain(
  context: RequestContext,
  query: ExplainQuery,
  routes: readonly AdminRoute[],
): Explanation {
  const found = findRights(context, query.user)
  const of = { ...query, user: found.principal.id }
  const { rights, asks } = asWritten(context, found, accessCheckFor(context, of, routes), () =>
    accessCheckFor(
      { ...context, configuration: withoutEntities(context.configuration) },
      of,
      routes,
    ),
  )
  const { allowed, because } = decideAccess(rights, asks)
  const reader = context.configuration.readerFor(context.principal)
  const { workspaceRef } = context
  const decisions = [
    explainAccess(rights, asks.ask, 'asked'),
    ...(asks.aliases ?? []).map((alias) => explainAccess(rights, alias, 'door')),
    ...(asks.alsoRequired ?? []).map((alsoRequired) => explainAccess(rights, alsoRequired, 'also')),
  ]
  const visible = decisions.map((one) => redactRules(context, one))
  const isComplete = visible.every(({ rules }, at) => rules.length === decisions[at]?.rules.length)
  return {
    principal: rights.principal,
    workspace: asks.ask.workspace.name,
    path: asks.ask.path,
    action: asks.ask.action,
    allowed,
    because: isComplete
      ? reader.shownText(because, workspaceRef)
      : 'Decided by a role in a workspace whose rules you may not read.',
    asks: visible,
    ...isolationOf(context, asks),
    revision: rights.revision,
  }
}

/** Permissions alone do not decide about routes and certificates: they must not take the traffic of other workspaces. */
function isolationOf(
  { configuration }: RequestContext,
  { ask: { workspace, path: about, action } }: AccessCheck,
): Pick<Explanation, 'isolation'> {
  const isWrite = action === 'create' || action === 'update'
  if (!isWrite || !/\/(routes|certificates|snis)(\/|$)/.test(about)) return {}
  const { strategy } = configuration.routeValidation
  const own = configuration.find({ entity: 'workspace', workspace: null, at: workspace.id })
  return {
    isolation: {
      route_validation_strategy: strategy,
      owned_hosts: own?.fields.owned_hosts ?? [],
      owned_paths: own?.fields.owned_paths ?? [],
      because: sentences[strategy],
    },
  }
}

const sentences: Readonly<Record<Strategy, string>> = {
  smart:
    'Refused with 409 when it could match requests of a route of another workspace, or of a host or path that another workspace owns.',
  static:
    'Refused with 409 when it shares a host, a path and a method with another route, or is for a host or path that another workspace owns.',
  path: 'Refused with 400 when a path does not match the pattern of the operator, and with 409 when another workspace owns the host or path.',
  off: 'Refused with 409 when another workspace owns the host or path.',
}

/** The access check that the Admin API makes for such a request; for an unknown path, of the path alone. */
function accessCheckFor(
  { configuration, workspaceRef }: RequestContext,
  { user, path: about, method = 'GET', action }: ExplainQuery,
  routes: readonly AdminRoute[],
): AccessCheck {
  const found = findAdminRoute(routes, about)
  const asAction = action ?? found?.route.action ?? actionForMethod(method)
  if (found === undefined)
    return { ask: { workspace: workspaceRef, path: about, action: asAction } }
  const { route, params } = found
  const located = { configuration, workspaceRef, params, method, action: asAction, principal: user }
  return route.locate(located).check
}

/** For a path to an entity that the caller may not read, the check of the same path without that entity. */
function asWritten(
  { configuration, principal }: RequestContext,
  rights: Rights,
  asks: AccessCheck,
  absent: () => AccessCheck,
): { readonly rights: Rights; readonly asks: AccessCheck } {
  const own = configuration.rightsOf(principal)
  const all = [asks.ask, ...(asks.aliases ?? []), ...(asks.alsoRequired ?? [])]
  return own !== undefined && all.every((ask) => mayReadEntity(own, ask))
    ? { rights, asks }
    : { rights: rightsWithoutEntities(rights), asks: absent() }
}

/** Throws 404 unless the principal's rights reach the workspace or the caller may read all principals. */
function findRights(context: RequestContext, name: string): Rights {
  const { configuration, workspaceRef } = context
  const entry = configuration.find({ entity: 'principal', workspace: null, at: name })
  const rights = entry === undefined ? undefined : configuration.rightsOf(entry.id)
  if (rights === undefined || !(reaches(rights, workspaceRef) || mayReadUsers(context)))
    throw notFound()
  return rights
}

const mayReadUsers = ({ configuration, principal }: RequestContext): boolean =>
  configuration.decide(principal, {
    ask: { workspace: defaultWorkspace, path: '/rbac/users', action: 'read' },
  }).allowed

/** Rules of another workspace are visible only to principals who may read this route there. */
function redactRules(
  { configuration, principal, workspaceRef }: RequestContext,
  decision: ExplainedRequest,
): ExplainedRequest {
  if (decision.workspace === workspaceRef.name) {
    const { shownText } = configuration.readerFor(principal)
    const rules = decision.rules.map((rule) => ({
      ...rule,
      about: shownText(rule.about, workspaceRef),
      says: shownText(rule.says, workspaceRef),
    }))
    return { ...decision, rules }
  }
  const workspace = configuration.find({
    entity: 'workspace',
    workspace: null,
    at: decision.workspace,
  })
  const decidedIn = { id: workspace?.id ?? '', name: decision.workspace }
  const { allowed } = configuration.decide(principal, {
    ask: { workspace: decidedIn, path, action: 'read' },
  })
  return allowed ? decision : { ...decision, rules: [] }
}

function describeEntitlements(context: RequestContext): Entitlements {
  const { configuration, workspaceRef } = context
  const kinds = entityKinds(workspaceRef)
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
      if (rights === undefined || !reaches(rights, workspaceRef)) return []
      const may = [...entitlementsOf(rights, workspaceRef, kinds)].map(([kind, actionsOf]) => {
        const cells = Object.entries(actionsOf).map(([name, { extent, because }]) => [
          name,
          { extent, rule: numberOf(because) },
        ])
        return [kind, Object.fromEntries(cells)] as const
      })
      return [
        {
          principal: { ...rights.principal, enabled: fields.enabled },
          roles: rolesReaching(context, id),
          may: Object.fromEntries(may) as EntitlementRow['may'],
        },
      ]
    })
    .sort((a, b) => (a.principal.name < b.principal.name ? -1 : 1))
  const { revision } = configuration.current()
  return { workspace: workspaceRef.name, kinds, principals, rules, revision }
}

const rolesReaching = ({ configuration, workspaceRef }: RequestContext, principal: string) =>
  configuration
    .rolesOf(principal)
    .filter(({ workspace }) => [workspaceRef.id, defaultWorkspace.id].includes(workspace.id))
    .map(({ role, workspace, group }) => ({
      name: role.name,
      workspace: workspace.name,
      ...(group === undefined ? {} : { group }),
    }))

/** The default workspace also has the kinds that belong to no workspace. */
function entityKinds(workspaceRef: WorkspaceRef): readonly string[] {
  const isHere = workspaceRef.id === defaultWorkspace.id
  const kinds = entities
    .filter(({ inWorkspace, belongsTo }) => (inWorkspace || isHere) && belongsTo === undefined)
    .map(({ plural }) => plural)
  return [...kinds, 'audit']
}
