import type { AdminRoute } from './admin-route.ts'
import { describeApi } from './openapi/describe-api.ts'
import { locateAt } from './schema-routes.ts'

/** The description of the whole Admin API, for people's tools; it tells nothing of the configuration. */
export const openapiRoute = (version: string, routes: () => readonly AdminRoute[]): AdminRoute => ({
  path: '/openapi.json',
  locate: (locating) => locateAt('/openapi.json', locating),
  methods: {
    GET: async ({ configuration }) =>
      describeApi({ version, routes: routes(), catalog: configuration.catalog }),
  },
})
