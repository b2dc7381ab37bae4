import type { FastifyInstance } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import { Problem } from '../../lib/problem.ts'
import { successStatus, type AdminRoute, type Method, type RequestContext } from '../admin-route.ts'
import { authorize } from '../authorize.ts'

const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Registers every route with and without a workspace prefix. `authorize` runs before every handler. */
export function registerRoutes(
  app: FastifyInstance,
  configuration: Configuration,
  routes: readonly AdminRoute[],
): void {
  for (const route of routes) {
    for (const url of [route.path, `/:workspace${route.path}`]) {
      app.route({
        method: everyMethod,
        url,
        ...(route.bodyLimit === undefined ? {} : { bodyLimit: route.bodyLimit }),
        async onRequest(request, reply) {
          const context = await authorize(configuration, route, [request, reply])
          request.setDecorator('context', context)
        },
        async handler(request, reply) {
          const context = request.getDecorator<RequestContext>('context')
          const { method } = request
          if (method === 'OPTIONS') return reply.code(204).header('allow', allowed(route)).send()
          const served = (method === 'HEAD' ? 'GET' : method) as Method
          const handle = route.methods[served]
          if (handle === undefined) {
            throw new Problem('admin.method', 405, 'Method not allowed', {
              headers: { allow: allowed(route) },
            })
          }
          void reply.code(successStatus(route, served))
          return handle(context)
        },
      })
    }
  }
}

const allowed = ({ methods }: AdminRoute): string =>
  [...Object.keys(methods), ...(methods.GET === undefined ? [] : ['HEAD']), 'OPTIONS']
    .sort()
    .join(', ')
