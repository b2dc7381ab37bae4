import type { FastifyInstance } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import type { AdminRoute } from '../admin-route.ts'
import { identifyPrincipal } from '../authorize.ts'
import { describeApi } from './describe-api.ts'

/** Serves the description of the whole Admin API to everybody who is known: it tells what the program can do and nothing of the configuration. */
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
