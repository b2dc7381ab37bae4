import type { FastifyInstance } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import type { AdminRoute } from '../admin-route.ts'
import { identifyPrincipal } from '../authorize.ts'
import { describeApi } from './describe-api.ts'

/** The document contains nothing of the configuration, so every authenticated principal may read it. */
export function registerDescription(
  app: FastifyInstance,
  configuration: Configuration,
  { version, routes }: { readonly version: string; readonly routes: readonly AdminRoute[] },
): void {
  const { catalog } = configuration
  const described = describeApi({ version, routes, catalog })
  for (const path of ['/openapi.json', '/:workspace/openapi.json']) {
    app.get(path, async (request) => {
      await identifyPrincipal(configuration, request)
      return described
    })
  }
}
