import type { FastifyReply, FastifyRequest } from 'fastify'
import { reaches } from '../access/entitlements.ts'
import type { Configuration } from '../control/configuration.ts'
import { notFound } from '../entities/kong-problem.ts'
import { unidentified } from '../control/permit.ts'
import { cookieIn } from '../identity/identify.ts'
import { refuseCrossSite } from '../identity/refuse-cross-site.ts'
import type { Action } from '../entities/action.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import type { WorkspaceRef } from '../control/entity-paths.ts'
import type { Problem } from '../lib/problem.ts'
import type { AdminRoute, Located, PathContext, RequestContext } from './admin-route.ts'
import { answerRefused, isHidden, refuseUnderHidden } from './answer-absent.ts'

const actions: Readonly<Record<string, Action>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
}

/** PUT requires `update`, and also `create` when the entity does not exist. */
export const actionForMethod = (method: string): Action => actions[method] ?? 'read'

/** Throws 401 without a valid token or session, and 403 for a cross-site change that carries a session cookie. */
export async function identifyPrincipal(
  configuration: Configuration,
  request: FastifyRequest,
): Promise<string> {
  const identified = await configuration.identify(request.headers, request.ip)
  if (identified === undefined) throw unidentified()
  if (identified.by === 'session' && actionForMethod(request.method) !== 'read') {
    refuseCrossSite(request.headers, configuration.csrfToken(cookieIn(request.headers) ?? ''))
  }
  request.setDecorator('principal', identified.principal)
  request.setDecorator('isFromBrowser', identified.by === 'session')
  return identified.principal
}

/** Whether the request is authenticated by a session cookie. */
export const isFromBrowser = (request: FastifyRequest): boolean =>
  request.getDecorator<boolean>('isFromBrowser')

/** Every Admin API request is authorized here, before its body is parsed and before the answer can reveal whether an entity exists. */
export async function authorize(
  configuration: Configuration,
  { route, params }: { readonly route: AdminRoute; readonly params: RequestContext['params'] },
  [request, reply]: readonly [FastifyRequest, FastifyReply],
): Promise<RequestContext> {
  const principal = await identifyPrincipal(configuration, request)
  const workspaceRef = findWorkspaceRef(configuration, params['workspace'])
  const { method } = request
  const action = route.action ?? actionForMethod(method)
  const path = { configuration, workspaceRef, params, method, action, principal }
  const located = route.locate(path)
  request.setDecorator('located', located)
  const refusal = refusalOf(route, path, located)
  if (refusal !== undefined && !(refusal.status === 403 && isFiltered(route, path, located))) {
    throw refusal
  }
  if (located.isLost === true) throw refusal ?? notFound()
  const context = { configuration, principal, workspaceRef, params, request, reply, ...located }
  return refusal === undefined ? context : { ...context, refusal }
}

function refusalOf(route: AdminRoute, path: PathContext, located: Located): Problem | undefined {
  const { configuration, principal } = path
  const refusal =
    configuration.refusal(principal, located.check) ?? refuseUnderHidden(path, located)
  return refusal && answerRefused(route, path, located, refusal)
}

/** Whether a list that is denied as a whole is answered with the entries that are readable. */
const isFiltered = (
  { isFiltered: canFilter }: AdminRoute,
  path: PathContext,
  located: Located,
): boolean =>
  canFilter === true &&
  ['GET', 'HEAD'].includes(path.method) &&
  !isHidden(path, located) &&
  (path.params['workspace'] === undefined ||
    mayAccessWorkspace(path.configuration, path.principal, path.workspaceRef))

/** Whether the principal has any right in a workspace. If not, a filtered list is denied like that of a missing workspace. */
function mayAccessWorkspace(
  configuration: Configuration,
  principal: string,
  workspaceRef: WorkspaceRef,
): boolean {
  const rights = configuration.rightsOf(principal)
  return rights !== undefined && reaches(rights, workspaceRef)
}

/** An unknown workspace gets the id '', so it is indistinguishable from one without rights. */
function findWorkspaceRef(
  configuration: Configuration,
  name: string = defaultWorkspace.name,
): WorkspaceRef {
  const found = configuration.find({ entity: 'workspace', workspace: null, at: name })
  return found?.fields.name === name ? { id: found.id, name } : { id: '', name }
}
