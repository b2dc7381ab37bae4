import type { FastifyReply, FastifyRequest } from 'fastify'
import { reaches } from '../access/entitlements.ts'
import type { Configuration } from '../control/configuration.ts'
import { notFound } from '../entities/kong-problem.ts'
import { unidentified } from '../control/permit.ts'
import { refuseCrossSite } from '../identity/refuse-cross-site.ts'
import type { Action } from '../entities/action.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import type { AdminRoute, Asked, Place } from './admin-route.ts'

const actions: Readonly<Record<string, Action>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
}

/** What each method asks for; putting is an update, and a creation too where nothing is yet. */
export const actionOf = (method: string): Action => actions[method] ?? 'read'

/** The id of the principal that asks; refuses when nobody can be identified, and a change that another site sends with our cookie. */
export async function identifyPrincipal(
  configuration: Configuration,
  request: FastifyRequest,
): Promise<string> {
  const identified = await configuration.identify(request.headers, request.ip)
  if (identified === undefined) throw unidentified()
  if (identified.by === 'session' && actionOf(request.method) !== 'read') {
    refuseCrossSite(request.headers)
  }
  request.setDecorator('principal', identified.principal)
  request.setDecorator('isOfBrowser', identified.by === 'session')
  return identified.principal
}

/** Whether a request came with the cookie of a session, as pages send it. */
export const isOfBrowser = (request: FastifyRequest): boolean =>
  request.getDecorator<boolean>('isOfBrowser')

/** The one place where a request to the Admin API is allowed or refused, before its body is read and before anybody learns what exists. */
export async function authorize(
  configuration: Configuration,
  route: AdminRoute,
  [request, reply]: readonly [FastifyRequest, FastifyReply],
): Promise<Asked> {
  const principal = await identifyPrincipal(configuration, request)
  const params = request.params as Record<string, string>
  const place = placeNamed(configuration, params['workspace'])
  const { method } = request
  const action = route.action ?? actionOf(method)
  const located = route.locate({ configuration, place, params, method, action, principal })
  request.setDecorator('located', located)
  const refusal = configuration.refusal(principal, located.check)
  const isList =
    route.isFiltered === true &&
    ['GET', 'HEAD'].includes(method) &&
    (params['workspace'] === undefined || mayKnow(configuration, principal, place))
  if (refusal !== undefined && !(isList && refusal.status === 403)) throw refusal
  if (located.isLost === true) throw refusal ?? notFound()
  const asked = { configuration, principal, place, params, request, reply, ...located }
  return refusal === undefined ? asked : { ...asked, refusal }
}

/** Whether a principal may know that a workspace is there: a list under one in which nothing is theirs is refused, as under one that is not there. */
function mayKnow(configuration: Configuration, principal: string, place: Place): boolean {
  const rights = configuration.rightsOf(principal)
  return rights !== undefined && reaches(rights, place)
}

/** The workspace a path names; one that does not exist looks like one in which nothing is allowed. */
function placeNamed(configuration: Configuration, name: string = defaultWorkspace.name): Place {
  const found = configuration.find({ entity: 'workspace', workspace: null, at: name })
  return found?.fields.name === name ? { id: found.id, name } : { id: '', name }
}
