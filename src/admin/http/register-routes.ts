import type { FastifyInstance } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import { Problem } from '../../lib/problem.ts'
import type { AdminRoute, Asked, Method } from '../admin-route.ts'
import { authorize } from '../authorize.ts'

const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Registers every route twice, with and without a workspace before it. No route of the Admin API exists that does not pass `authorize` first. */
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
          const asked = await authorize(configuration, route, [request, reply])
          request.setDecorator('asked', asked)
        },
        async handler(request, reply) {
          const asked = request.getDecorator<Asked>('asked')
          const { method } = request
          if (method === 'OPTIONS') return reply.code(204).header('allow', allowed(route)).send()
          const handle = route.methods[(method === 'HEAD' ? 'GET' : method) as Method]
          if (handle === undefined) {
            throw new Problem('admin.method', 405, 'Method not allowed', {
              headers: { allow: allowed(route) },
            })
          }
          return handle(asked)
        },
      })
    }
  }
}

const allowed = ({ methods }: AdminRoute): string =>
  [...Object.keys(methods), ...(methods.GET === undefined ? [] : ['HEAD']), 'OPTIONS']
    .sort()
    .join(', ')
