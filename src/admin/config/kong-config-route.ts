import { isRecord } from '../../lib/is-record.ts'
import type { AdminRoute } from '../admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { dump, sync } from './config-routes.ts'
import { documentBytes } from '../http/body-limits.ts'
import { openYaml } from './yaml-thread.ts'

/** Kong's `/config`. Unlike Kong's, it replaces one workspace and does not need DB-less mode. */
export function kongConfigRoute(): AdminRoute {
  const yaml = openYaml()
  /** The body is the document itself or has it as text in `config`. */
  const parseDocument = async (body: unknown): Promise<unknown> =>
    isRecord(body) && typeof body['config'] === 'string' ? yaml.parse(body['config']) : body
  return {
    path: '/config',
    bodyLimit: documentBytes,
    statuses: { POST: 201 },
    locate: (context) => locateAt('/config', context),
    methods: {
      GET: async (context) => ({ config: await yaml.stringify(await dump(context)) }),
      async POST(context) {
        const { request, reply } = context
        request.body = await parseDocument(request.body)
        const before = context.configuration.current().revision
        const { check_hash: isChecked } = request.query as Record<string, unknown>
        const synced = await sync(context, () => () => undefined)
        const isSame = context.configuration.current().revision === before
        if (isSame && isChecked === '1') {
          void reply.code(304)
          return undefined
        }
        return synced
      },
    },
  }
}
