import { uuidv4 } from '../../lib/ids.ts'
import { logLevels, type LogLevel } from '../../lib/log-threshold.ts'
import { Problem } from '../../lib/problem.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { bodyFields, originOf } from '../entities/make-change.ts'
import { locateAt } from '../entities/schema-routes.ts'
import type { LogLevels } from './node-routes.ts'

/** Kong's routes that read the log level, and change it for a time: of this node, or of all nodes. */
export function logLevelRoutes(levels: LogLevels | undefined): AdminRoute[] {
  const current = (): LogLevel => levels?.current() ?? 'info'
  const change = (isOfCluster: boolean) => async (context: RequestContext) => {
    const { level: wanted = '' } = context.params
    const level = logLevels.find((known) => known === wanted)
    if (level === undefined)
      throw new Problem('admin.unknown_level', 400, `unknown log level: ${wanted}`)
    const seconds = timeoutIn(context)
    if (!isOfCluster && current() === level) return { message: `log level is already ${level}` }
    const scope = isOfCluster ? 'all nodes' : 'this node'
    await audit(context, `The log level of ${scope} is ${level} for ${seconds} seconds.`)
    levels?.change({ id: uuidv4(), level, milliseconds: seconds * 1000 }, isOfCluster)
    return { message: 'log level changed' }
  }
  return [
    at('/debug/node/log-level', { GET: async () => ({ message: `log level: ${current()}` }) }),
    at('/debug/node/log-level/:level', { PUT: change(false) }),
    at('/debug/cluster/log-level/:level', { PUT: change(true) }),
  ]
}

const at = (path: string, methods: AdminRoute['methods']): AdminRoute => ({
  path,
  locate: (context) => locateAt(path, context),
  methods,
})

/** Kong's default. */
const defaultSeconds = 60
const maxSeconds = 86_400

/** Seconds after which the level is info again, from the body or the query string. */
function timeoutIn(context: RequestContext): number {
  const query = context.request.query as Readonly<Record<string, unknown>>
  const given = bodyFields(context)['timeout'] ?? query['timeout'] ?? defaultSeconds
  const seconds = Math.ceil(Number(given))
  if (seconds >= 0 && seconds <= maxSeconds) return seconds
  const message = `timeout must be greater than or equal to 0, and at most ${maxSeconds} seconds`
  throw new Problem('admin.log_timeout', 400, message)
}

/** Records the change in the audit log; throws when it is not permitted. */
async function audit(context: RequestContext, because: string): Promise<void> {
  const { configuration, principal, check, request } = context
  const origin = originOf(request, check.ask, configuration)
  await configuration.change({ principal, check, origin, operations: [], status: 200, because })
}
