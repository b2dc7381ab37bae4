import type { KnownWorker } from '../../cluster/node-registry.ts'
import { entities } from '../../entities/entities.ts'
import { declaredName } from '../../entities/declaration.ts'
import type { Entry } from '../../entities/entry.ts'
import type { UpstreamHealth } from '../../schema/upstream-health.ts'
import type { AdminRoute, Asked } from '../admin-route.ts'
import { describeTargets } from './describe-targets.ts'
import { mayReadEntry } from '../entities/may-read-entry.ts'
import type { NodeFacts } from './node-routes.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { writeMetrics, type Metric } from './write-metrics.ts'

/** What the control plane knows in numbers, for Prometheus; of workspaces and upstreams only those that the asker may read. */
export function metricsRoute(facts: NodeFacts): AdminRoute {
  return {
    path: '/metrics',
    locate: (locating) => locateAt('/metrics', locating),
    methods: {
      async GET(asked) {
        void asked.reply.type('text/plain; version=0.0.4; charset=utf-8')
        const workers = facts.workers?.() ?? []
        return writeMetrics([
          ...ofThisProcess(facts, asked),
          ...ofWorkers(workers),
          ...ofWorkspaces(asked, workers),
        ])
      },
    },
  }
}

function ofThisProcess({ node, version, requests }: NodeFacts, { configuration }: Asked): Metric[] {
  const { user, system } = process.cpuUsage()
  const one = (
    name: string,
    help: string,
    value: number,
    type: Metric['type'] = 'gauge',
  ): Metric => ({
    name,
    help,
    type,
    values: [[{}, value]],
  })
  return [
    one('kong_datastore_reachable', 'Whether the configuration store can be reached.', 1),
    {
      name: 'kong_node_info',
      help: 'The control plane that answers.',
      type: 'gauge',
      values: [[{ node_id: node, version }, 1]],
    },
    one('weir_revision', 'Revision of the configuration.', configuration.current().revision),
    one('weir_admin_requests_total', 'Requests to the Admin API.', requests(), 'counter'),
    one('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage().rss),
    one('process_cpu_seconds_total', 'Processor time.', (user + system) / 1e6, 'counter'),
    one('process_start_time_seconds', 'When it began.', Date.now() / 1000 - process.uptime()),
  ]
}

function ofWorkers(workers: readonly KnownWorker[]): Metric[] {
  const each = (
    [name, type]: readonly [string, Metric['type']],
    help: string,
    read: (worker: KnownWorker) => number,
  ): Metric => ({
    name,
    help,
    type,
    values: workers.map((worker) => {
      const { node, zone } = worker
      return [{ node, worker: String(worker.worker), zone }, read(worker)]
    }),
  })
  return [
    each(['kong_data_plane_last_seen', 'gauge'], 'When a worker was heard.', ({ heardAt }) =>
      Math.floor(heardAt / 1000),
    ),
    each(['weir_worker_revision', 'gauge'], 'Revision a worker runs.', (one) => one.state.revision),
    each(
      ['weir_worker_spooled_bytes', 'gauge'],
      'Events of a worker that are not in the warehouse yet.',
      (one) => one.state.spooledBytes,
    ),
    each(
      ['weir_worker_exchanges', 'gauge'],
      'Requests that a worker carries now.',
      (one) => one.state.exchanges,
    ),
  ]
}

const states = ['healthchecks_off', 'healthy', 'unhealthy', 'dns_error']

function ofWorkspaces(asked: Asked, workers: readonly KnownWorker[]): Metric[] {
  const { configuration } = asked
  const readable = configuration
    .list({ entity: 'workspace', workspace: null })
    .filter((entry) => mayReadEntry(asked, 'workspace', entry))
    .map((entry) => ({ id: entry.id, name: entry.fields.name }))
  const reports = workers.map(({ state }) => state.upstreams ?? [])
  const counts = entities
    .filter(({ inWorkspace }) => inWorkspace)
    .flatMap((entity) => {
      const found = configuration.count(entity.name)
      return readable.flatMap(({ id, name }) => {
        const labels = { workspace: name, kind: declaredName(entity) }
        const count = found.get(id)
        return count === undefined ? [] : [[labels, count] as const]
      })
    })
  const health = readable.flatMap((place) =>
    configuration
      .list({ entity: 'upstream', workspace: place.id })
      .filter((entry) => mayReadEntry({ ...asked, place }, 'upstream', entry))
      .flatMap((entry) => healthOf(entry, reports)),
  )
  return [
    { name: 'weir_entities', help: 'Entities of a kind.', type: 'gauge', values: counts },
    {
      name: 'kong_upstream_target_health',
      help: 'Health of a target; 1 for the state that it is in.',
      type: 'gauge',
      values: health,
    },
  ]
}

function healthOf(
  { id, fields }: Entry<'upstream'>,
  reports: readonly (readonly UpstreamHealth[])[],
): Metric['values'] {
  return [...describeTargets(id, reports).values()].flatMap(({ target, health, addresses }) => {
    const seen = addresses.map((one) => [`${one.ip}:${one.port}`, one.health] as const)
    const places = seen.length === 0 ? [['', health] as const] : seen
    return places.flatMap(([address, is]) =>
      states.map((state) => {
        const upstream = fields.name
        const labels = { upstream, target, address, state, subsystem: 'http' }
        return [labels, is.toLowerCase() === state ? 1 : 0] as const
      }),
    )
  })
}
