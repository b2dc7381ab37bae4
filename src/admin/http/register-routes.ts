import findMyWay from 'find-my-way'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import { notFound } from '../../entities/kong-problem.ts'
import { runBetweenEvents } from '../../lib/cooperative-task.ts'
import { isRecord } from '../../lib/is-record.ts'
import { jsonSteps } from '../../lib/json-steps.ts'
import {
  answerUnserved,
  servedMethod,
  successStatus,
  type AdminRoute,
  type RequestContext,
} from '../admin-route.ts'
import { authorize, identifyPrincipal } from '../authorize.ts'
import { badPath } from './answer-problem.ts'
import { routerOptions } from './router-options.ts'

/** A GET route that every authenticated principal may read. */
export type OpenRoute = {
  readonly path: string
  answer(this: void, principal: string): unknown
}

const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Registers every route with and without a workspace prefix. `authorize` runs before every handler. Fastify builds a
 * tree of routes per method, which for all of them costs more than the rest of the Admin API's start; so it only gets a
 * wildcard, behind which one tree serves every method.
 */
export function registerRoutes(
  app: FastifyInstance,
  configuration: Configuration,
  routes: readonly AdminRoute[],
  openRoutes: readonly OpenRoute[] = [],
): void {
  let router: Router | undefined
  const find = (url: string): Match | undefined =>
    (router ??= openRouter(app.prefix, [...routes, ...openRoutes])).find(url)
  const options = {
    async onRequest(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const match = find(request.url)
      request.setDecorator('respond', await admit(configuration, match, [request, reply]))
    },
    handler: (request: FastifyRequest): unknown => request.getDecorator<Respond>('respond')(),
  }
  for (const url of ['/', '/*']) app.route({ method: everyMethod, url, ...options })
  // The wildcard cannot have the body limits of single routes.
  for (const { path, bodyLimit, methods } of routes)
    if (bodyLimit !== undefined)
      for (const url of withWorkspace(path))
        app.route({ method: Object.keys(methods), url, bodyLimit, ...options })
}

type Respond = () => unknown
type Match = {
  readonly route: AdminRoute | OpenRoute
  readonly params: Readonly<Record<string, string>>
}
type Router = { find(url: string): Match | undefined }

const withWorkspace = (path: string): string[] => [path, `/:workspace${path}`]

function openRouter(prefix: string, routes: readonly (AdminRoute | OpenRoute)[]): Router {
  const router = findMyWay({ ...routerOptions, onMaxParamLength: noop })
  for (const route of routes)
    for (const path of withWorkspace(route.path)) router.on('GET', prefix + path, noop, route)
  return {
    find(url) {
      const found = router.find('GET', url)
      if (found === null) return undefined
      // A segment is too long.
      if (found.store === null) throw badPath()
      return { route: found.store as Match['route'], params: found.params as Match['params'] }
    },
  }
}

const noop = (): void => undefined

/** Authorizes a request before its body is read; returns what answers it. */
async function admit(
  configuration: Configuration,
  match: Match | undefined,
  [request, reply]: readonly [FastifyRequest, FastifyReply],
): Promise<Respond> {
  const { route, params = {} } = match ?? {}
  if (route !== undefined && 'methods' in route) {
    const context = await authorize(configuration, { route, params }, [request, reply])
    return () => respond(route, context)
  }
  const principal = await identifyPrincipal(configuration, request)
  if (route === undefined || request.method !== 'GET') throw notFound()
  return () => route.answer(principal)
}

async function respond(route: AdminRoute, context: RequestContext): Promise<unknown> {
  const { reply } = context
  const { method } = context.request
  const served = servedMethod(method)
  const handle = route.methods[served]
  if (handle === undefined) throw answerUnserved(route, method)
  void reply.code(successStatus(route, served))
  return answerOf(await handle(context), reply)
}

/** Lists with more items are serialized in slices. */
const maxSerializedAtOnce = 500

/** Serializes long lists in slices: Fastify would block the event loop for 100,000 items. */
async function answerOf(answer: unknown, reply: FastifyReply): Promise<unknown> {
  const isStream = isRecord(answer) && Object.getPrototypeOf(answer) !== Object.prototype
  if (isStream) return answer
  const lists = isRecord(answer) ? Object.values(answer) : [answer]
  const isLong = lists.some((list) => Array.isArray(list) && list.length > maxSerializedAtOnce)
  if (!isLong) return answer
  const json = await runBetweenEvents(jsonSteps(answer))
  return reply.type('application/json; charset=utf-8').send(json)
}
