import type { KnownWorker } from '../../cluster/node-registry.ts'
import { entities } from '../../entities/entities.ts'
import type { EntityName } from '../../entities/entities.ts'
import { runBetweenEvents } from '../../lib/cooperative-task.ts'
import { declaredName } from '../../entities/declaration.ts'
import type { Entry } from '../../entities/entry.ts'
import type { ExporterStatus } from '../../schema/exporter.ts'
import type { UpstreamHealth } from '../../schema/upstream-health.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { describeTargets } from './describe-targets.ts'
import { mayReadEntry } from '../entities/may-read-entry.ts'
import { isDatabaseReachable, type NodeFacts } from './node-routes.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { renderTraffic, type MayReadId } from './traffic-metrics.ts'
import { writeMetrics, type Metric } from './write-metrics.ts'

/** Prometheus metrics of the control plane. Workspaces and upstreams are limited to those that the principal may read. */
export function metricsRoute(facts: NodeFacts): AdminRoute {
  return {
    path: '/metrics',
    locate: (context) => locateAt('/metrics', context),
    methods: {
      async GET(context) {
        void context.reply.type('text/plain; version=0.0.4; charset=utf-8')
        const workers = facts.workers?.() ?? []
        facts.wantTraffic?.()
        const { configuration } = context
        const { mayRead } = configuration.readerFor(context.principal)
        const mayReadId = memoize((entity: EntityName, workspace: string, id: string) => {
          const entry = configuration.find({ entity, workspace, at: id })
          return entry !== undefined && mayRead(entity, entry)
        })
        const traffic = await runBetweenEvents(renderTraffic(workers, mayReadId))
        const own = writeMetrics([
          ...processMetrics(
            facts,
            context,
            await isDatabaseReachable(facts, context.configuration),
          ),
          ...workerMetrics(workers),
          ...workspaceMetrics(context, workers),
          ...exporterMetrics(context, workers),
        ])
        return own + traffic
      },
    },
  }
}

function processMetrics(
  { node, version, requests, intake }: NodeFacts,
  { configuration }: RequestContext,
  isReachable: boolean,
): Metric[] {
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
    one(
      'kong_datastore_reachable',
      '1 if the database answers queries, else 0.',
      Number(isReachable),
    ),
    {
      name: 'kong_node_info',
      help: 'The control plane that serves these metrics.',
      type: 'gauge',
      values: [[{ node_id: node, version }, 1]],
    },
    one(
      'weir_revision',
      'Current revision of the configuration.',
      configuration.current().revision,
    ),
    one(
      'weir_admin_requests_total',
      'Requests to the Admin API and the Manager.',
      requests(),
      'counter',
    ),
    one(
      'weir_intake_bytes',
      'Bytes of events that the control plane has not stored in the warehouse yet.',
      intake?.().bytes ?? 0,
    ),
    one(
      'weir_intake_refused_batches',
      'Batches of events that cannot be stored; they are kept in the folder intake/refused.',
      intake?.().refused ?? 0,
    ),
    one(
      'process_resident_memory_bytes',
      'Resident memory size in bytes.',
      process.memoryUsage().rss,
    ),
    one(
      'process_cpu_seconds_total',
      'User and system CPU time in seconds.',
      (user + system) / 1e6,
      'counter',
    ),
    one(
      'process_start_time_seconds',
      'Start time of the process in seconds since the epoch.',
      Date.now() / 1000 - process.uptime(),
    ),
  ]
}

/** Of the workspaces that the principal may read, and of requests without one. */
function unrecordedMetric(
  workers: readonly KnownWorker[],
  names: ReadonlyMap<string, string>,
): Metric {
  return {
    name: 'weir_unrecorded_events_total',
    help: 'Requests without an event since the start of a worker, because its spool or disk was full.',
    type: 'counter',
    values: workers.flatMap(({ node, worker, zone, state }) =>
      (state.unrecorded ?? []).flatMap(({ workspace, kind, events }) => {
        const name = names.get(workspace)
        const labels = { node, worker: String(worker), zone, workspace: name ?? '', kind }
        return name === undefined ? [] : [[labels, events] as const]
      }),
    ),
  }
}

function workerMetrics(workers: readonly KnownWorker[]): Metric[] {
  const each = (
    [name, type]: readonly [string, Metric['type']],
    help: string,
    read: (worker: KnownWorker) => number | undefined,
  ): Metric => ({
    name,
    help,
    type,
    values: workers.flatMap((worker) => {
      const { node, zone } = worker
      const value = read(worker)
      return value === undefined
        ? []
        : [[{ node, worker: String(worker.worker), zone }, value] as const]
    }),
  })
  return [
    each(
      ['kong_data_plane_last_seen', 'gauge'],
      'Time of the last heartbeat of a worker in seconds since the epoch.',
      ({ lastSeen }) => Math.floor(lastSeen / 1000),
    ),
    each(
      ['weir_worker_revision', 'gauge'],
      'Revision that a worker runs.',
      (one) => one.state.revision,
    ),
    each(
      ['weir_worker_spooled_bytes', 'gauge'],
      'Bytes of events that a worker has not sent to the control plane yet.',
      (one) => one.state.spooledBytes,
    ),
    each(
      ['weir_worker_spool_full', 'gauge'],
      '1 while a worker refuses requests or sheds their events because its spool or disk is full, else 0.',
      (one) => Number(one.state.isSpoolFull === true),
    ),
    each(
      ['weir_worker_exchanges', 'gauge'],
      'Requests in flight in a worker.',
      (one) => one.state.exchanges,
    ),
    each(
      ['kong_nginx_requests_total', 'counter'],
      'Requests that a worker has received.',
      ({ state }) => state.traffic?.connections.requests,
    ),
    {
      name: 'kong_nginx_connections_total',
      help: 'Connections of clients.',
      type: 'gauge',
      values: workers.flatMap(({ node, worker, zone, state: { traffic } }) =>
        (traffic === undefined
          ? []
          : ([
              ['accepted', traffic.connections.accepted],
              ['active', traffic.connections.open],
              ['total', traffic.connections.requests],
            ] as const)
        ).map(
          ([state, value]) =>
            [
              { node_id: node, subsystem: 'http', state, node, worker: String(worker), zone },
              value,
            ] as const,
        ),
      ),
    },
    each(
      ['weir_prometheus_unmeasured_total', 'counter'],
      'Requests that the plugin prometheus did not measure: a worker measures 1,000 routes and 10,000 consumers.',
      ({ state }) => state.traffic?.unmeasured,
    ),
  ]
}

/** Of the plugins that the principal may read. */
function exporterMetrics(
  { configuration, principal }: RequestContext,
  workers: readonly KnownWorker[],
): Metric[] {
  const { mayRead } = configuration.readerFor(principal)
  const reports = workers.flatMap((worker) =>
    (worker.state.exporters ?? []).flatMap((status) => {
      const { id, workspace, plugin } = status
      const entry = configuration.find({ entity: 'plugin', workspace, at: id })
      if (entry === undefined || !mayRead('plugin', entry)) return []
      const { node } = worker
      return [{ status, labels: { plugin, id, workspace, node, worker: String(worker.worker) } }]
    }),
  )
  const each = (
    [name, type]: readonly [string, Metric['type']],
    help: string,
    read: (status: ExporterStatus) => number,
  ): Metric => ({
    name,
    help,
    type,
    values: reports.map(({ status, labels }) => [labels, read(status)]),
  })
  return [
    each(
      ['weir_exporter_sent_total', 'counter'],
      'Entries that a plugin has exported.',
      (one) => one.sent,
    ),
    each(
      ['weir_exporter_dropped_total', 'counter'],
      'Entries that a plugin has dropped: its queue was full, or its retries were exhausted.',
      (one) => one.dropped,
    ),
    each(
      ['weir_exporter_failures_total', 'counter'],
      'Failed attempts of a plugin to export a batch.',
      (one) => one.failures,
    ),
    each(
      ['weir_exporter_queued', 'gauge'],
      'Entries that wait to be exported.',
      (one) => one.queued,
    ),
    each(
      ['weir_exporter_up', 'gauge'],
      '1 if the last attempt to export succeeded, else 0.',
      (one) => Number(one.error === ''),
    ),
  ]
}

function memoize(mayRead: MayReadId): MayReadId {
  const known = new Map<string, boolean>()
  return (entity, workspace, id) => {
    const key = `${entity} ${workspace} ${id}`
    const found = known.get(key) ?? mayRead(entity, workspace, id)
    known.set(key, found)
    return found
  }
}

const states = ['healthchecks_off', 'healthy', 'unhealthy', 'dns_error']

function workspaceMetrics(context: RequestContext, workers: readonly KnownWorker[]): Metric[] {
  const { configuration } = context
  const readable = configuration
    .list({ entity: 'workspace', workspace: null })
    .filter((entry) => mayReadEntry(context, 'workspace', entry))
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
  const { mayRead } = configuration.readerFor(context.principal)
  const targetsOf = ({ id, workspace }: Entry<'upstream'>): ReadonlySet<string> =>
    new Set(
      configuration
        .list({ entity: 'target', workspace, within: { field: 'upstream', id } })
        .filter((entry) => mayRead('target', entry))
        .map(({ fields }) => fields.target),
    )
  const health = readable.flatMap((workspaceRef) =>
    configuration
      .list({ entity: 'upstream', workspace: workspaceRef.id })
      .filter((entry) => mayReadEntry({ ...context, workspaceRef }, 'upstream', entry))
      .flatMap((entry) => healthOf(entry, reports, targetsOf(entry))),
  )
  const names = new Map([['', ''], ...readable.map(({ id, name }) => [id, name] as const)])
  return [
    unrecordedMetric(workers, names),
    { name: 'weir_entities', help: 'Number of entities.', type: 'gauge', values: counts },
    {
      name: 'kong_upstream_target_health',
      help: 'Health of a target; 1 for its current state.',
      type: 'gauge',
      values: health,
    },
  ]
}

function healthOf(
  { id, fields }: Entry<'upstream'>,
  reports: readonly (readonly UpstreamHealth[])[],
  shown: ReadonlySet<string>,
): Metric['values'] {
  const found = [...describeTargets(id, reports).values()].filter(({ target }) => shown.has(target))
  return found.flatMap(({ target, health, addresses }) => {
    const seen = addresses.map((one) => [`${one.ip}:${one.port}`, one.health] as const)
    const series = seen.length === 0 ? [['', health] as const] : seen
    return series.flatMap(([address, is]) =>
      states.map((state) => {
        const upstream = fields.name
        const labels = { upstream, target, address, state, subsystem: 'http' }
        return [labels, is.toLowerCase() === state ? 1 : 0] as const
      }),
    )
  })
}
