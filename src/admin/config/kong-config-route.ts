import { parse, stringify } from 'yaml'
import { isRecord } from '../../lib/is-record.ts'
import { invalid } from '../../declarative/read-document.ts'
import type { AdminRoute } from '../admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { dump, sync } from './config-routes.ts'
import { bodyLimit } from './plan-route.ts'

/** Kong's `/config`: the whole workspace as one YAML text, and a text put in place of it. Unlike Kong's it changes one workspace and needs no mode of its own. */
export const kongConfigRoute: AdminRoute = {
  path: '/config',
  bodyLimit,
  locate: (locating) => locateAt('/config', locating),
  methods: {
    GET: async (asked) => ({ config: stringify(dump(asked)) }),
    async POST(asked) {
      const { request, reply } = asked
      request.body = documentIn(request.body)
      const before = asked.configuration.current().revision
      const { check_hash: isChecked } = request.query as Record<string, unknown>
      const synced = await sync(asked, () => () => undefined)
      const isSame = asked.configuration.current().revision === before
      if (isSame && isChecked === '1') {
        void reply.code(304)
        return undefined
      }
      void reply.code(201)
      return synced
    },
  },
}

/** A document comes as it is, or as text in the field `config` of a form or of JSON. */
function documentIn(body: unknown): unknown {
  if (!isRecord(body) || typeof body['config'] !== 'string') return body
  try {
    return parse(body['config'])
  } catch (error) {
    throw invalid(`the text is no YAML: ${(error as Error).message}`)
  }
}
