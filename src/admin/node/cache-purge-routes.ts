import { notFound } from '../../entities/kong-problem.ts'
import type { CachePurge } from '../../schema/node-protocol.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { originOf } from '../entities/make-change.ts'
import { locateAt } from '../entities/schema-routes.ts'

/** Kong's routes that remove responses from the caches of `proxy-cache`; workers do so within seconds. */
export function cachePurgeRoutes(purge: (purge: CachePurge) => void): AdminRoute[] {
  const purgeAll = async (context: RequestContext, key: string | null): Promise<undefined> => {
    await audit(context, key)
    const { configuration, workspaceRef } = context
    for (const { id, fields } of configuration.scan({
      entity: 'plugin',
      workspace: workspaceRef.id,
    }))
      if (fields.name === 'proxy-cache') purge({ plugin: id, key })
    return undefined
  }
  return [
    at('/proxy-cache', (context) => purgeAll(context, null)),
    at('/proxy-cache/:key', (context) => purgeAll(context, context.params['key'] ?? '')),
    at('/proxy-cache/:plugin/caches/:key', async (context) => {
      const { configuration, workspaceRef, params } = context
      const { plugin = '', key = '' } = params
      const found = configuration.find({ entity: 'plugin', workspace: workspaceRef.id, at: plugin })
      if (found?.fields.name !== 'proxy-cache') throw notFound()
      await audit(context, key)
      purge({ plugin: found.id, key })
      return undefined
    }),
  ]
}

const at = (path: string, answer: (context: RequestContext) => Promise<undefined>): AdminRoute => ({
  path,
  locate: (context) => locateAt(path, context),
  methods: { DELETE: answer },
})

/** Records the purge in the audit log; throws when it may not be made. */
async function audit(context: RequestContext, key: string | null): Promise<void> {
  const { configuration, principal, check, request } = context
  const origin = originOf(request, check.ask, configuration)
  const because = key === null ? 'Cached responses are removed.' : 'A cached response is removed.'
  await configuration.change({ principal, check, origin, operations: [], status: 204, because })
}
