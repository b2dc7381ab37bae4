import { uuidv5 } from '../../lib/ids.ts'
import { notFound } from '../../entities/kong-problem.ts'
import type { AdminRoute } from '../admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'
import type { NodeFacts } from './node-routes.ts'

/** Kong's introspection routes, for tools that expect them. Weir has no entity cache. */
export function kongNodeRoutes(facts: NodeFacts): AdminRoute[] {
  const worker = { id: 0, count: 1 }
  return [
    at('/timers', { GET: async () => ({ worker, stats: { sys: timerCounts() } }) }),
    // In Kong, the names that the answering worker has resolved. Here, gateway workers resolve names, and the control plane has none.
    at('/status/dns', { GET: async () => ({ worker, stats: {} }) }),
    at('/cache', { DELETE: empty }),
    at('/cache/:key', {
      async GET() {
        throw notFound()
      },
      DELETE: empty,
    }),
    at('/clustering/data-planes', { GET: async () => ({ data: dataPlanes(facts), next: null }) }),
    at('/clustering/status', {
      GET: async () => Object.fromEntries(dataPlanes(facts).map(({ id, ...rest }) => [id, rest])),
    }),
  ]
}

const at = (path: string, methods: AdminRoute['methods']): AdminRoute => ({
  path,
  locate: (context) => locateAt(path, context),
  methods,
})

const timerCounts = (): { total: number } => ({
  total: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
})

const empty = async (): Promise<undefined> => undefined

/** The namespace of the ids of workers, which Kong's are in UUID form. */
const namespace = '2f1c5d0e-6a3b-5e44-9c1d-8d0f5f0a7b11'

/** One for each gateway worker with a recent heartbeat. Its configuration hash is its revision. */
const dataPlanes = ({ workers }: NodeFacts) =>
  (workers?.() ?? []).map(({ node, worker, zone, environment, lastSeen, state }) => ({
    id: uuidv5(namespace, `${node} ${worker}`),
    hostname: node,
    config_hash: state.revision.toString(16).padStart(32, '0'),
    last_seen: Math.floor(lastSeen / 1000),
    sync_status: state.refusal === undefined ? 'normal' : 'unknown',
    labels: { worker: String(worker), zone, environment },
  }))
