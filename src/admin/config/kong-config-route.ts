import { parse, stringify } from 'yaml'
import { isRecord } from '../../lib/is-record.ts'
import { invalid } from '../../declarative/read-document.ts'
import type { AdminRoute } from '../admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { dump, sync } from './config-routes.ts'
import { bodyLimit } from './plan-route.ts'

/** Kong's `/config`. Unlike Kong's, it replaces one workspace and does not need DB-less mode. */
export const kongConfigRoute: AdminRoute = {
  path: '/config',
  bodyLimit,
  statuses: { POST: 201 },
  locate: (context) => locateAt('/config', context),
  methods: {
    GET: async (context) => ({ config: stringify(dump(context)) }),
    async POST(context) {
      const { request, reply } = context
      request.body = parseDocument(request.body)
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

/** The body is the document itself or has it as text in `config`. */
function parseDocument(body: unknown): unknown {
  if (!isRecord(body) || typeof body['config'] !== 'string') return body
  try {
    return parse(body['config'])
  } catch (error) {
    throw invalid(`config: invalid YAML: ${(error as Error).message}`)
  }
}
