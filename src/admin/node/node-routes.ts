import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KnownWorker } from '../../cluster/node-registry.ts'
import type { Configuration } from '../../control/configuration.ts'
import type { Log } from '../../lib/log.ts'
import { Problem } from '../../lib/problem.ts'
import type { LogLevel } from '../../lib/log-threshold.ts'
import type { CachePurge, LogLevelChange, TargetOrder } from '../../schema/node-protocol.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'

export type NodeFacts = {
  readonly version: string
  readonly node: string
  /** The requests that the Admin API and the Manager received since the start. */
  readonly requests: () => number
  /** The connections of the Admin API and the Manager. */
  readonly connections?: () => ConnectionCounts
  /** Workers with a recent heartbeat. */
  readonly workers?: () => readonly KnownWorker[]
  /** Requests traffic reports from workers for a limited time. */
  readonly wantTraffic?: (() => void) | undefined
  readonly intake?: () => IntakeState
  readonly log?: Pick<Log, 'warn'> | undefined
  readonly order?: (order: TargetOrder) => void
  readonly purge?: ((purge: CachePurge) => void) | undefined
  readonly logLevel?: LogLevels | undefined
}

/** Bytes of events that this control plane has not stored in the warehouse yet, and batches that cannot be stored. */
export type IntakeState = { readonly bytes: number; readonly refused: number }

/** The log level of this node; a change can be for all nodes. */
export type LogLevels = {
  current(this: void): LogLevel
  change(this: void, change: LogLevelChange, isOfCluster: boolean): void
}

/**
 * The Kong version whose fields the Admin API has; clients such as decK read it. Its newest field is `failover` of targets;
 * `sticky_sessions_cookie` of upstreams is of 3.11.
 */
export const kongVersion = '3.12.0'

export type ConnectionCounts = { readonly accepted: number; readonly active: number }

export function nodeRoutes(facts: NodeFacts, paths: () => readonly string[]): AdminRoute[] {
  const about = async (context: RequestContext) => describeNode(facts, context)
  return [
    { path: '/', locate: (context) => locateAt('/', context), methods: { GET: about } },
    { path: '/kong', locate: (context) => locateAt('/kong', context), methods: { GET: about } },
    {
      path: '/status',
      locate: (context) => locateAt('/status', context),
      methods: { GET: async (context) => describeStatus(facts, context) },
    },
    {
      path: '/endpoints',
      locate: (context) => locateAt('/endpoints', context),
      methods: { GET: async () => ({ data: paths(), next: null }) },
    },
    {
      path: '/plugins/enabled',
      locate: (context) => locateAt('/plugins/enabled', context),
      methods: {
        GET: async ({ configuration }) => ({
          enabled_plugins: configuration.catalog.map(({ name }) => name),
        }),
      },
    },
  ]
}

/** `plugins` covers only the workspace of the path. */
function describeNode(
  { version, node }: NodeFacts,
  { configuration, workspaceRef }: RequestContext,
): unknown {
  const { catalog } = configuration
  const { revision, snapshot } = configuration.current()
  const inPlace = [...snapshot.plugins.values()].filter(
    ({ workspace }) => workspace === workspaceRef.id,
  )
  const enabled = new Set(inPlace.map(({ name }) => name))
  return {
    tagline: 'Welcome to Weir',
    version: kongVersion,
    edition: 'community',
    weir: { version, revision },
    hostname: hostname(),
    lua_version: 'none',
    timers: { running: 0, pending: 0 },
    node_id: node,
    plugins: {
      available_on_server: Object.fromEntries(
        catalog.map(({ name }) => [name, { version, priority: priorityOf(name, catalog) }]),
      ),
      enabled_in_cluster: [...enabled].sort(),
    },
    configuration: {
      database: configuration.database,
      role: 'traditional',
      rbac: 'on',
      rbac_auth_header: 'Kong-Admin-Token',
      router_flavor: 'expressions',
      route_validation_strategy: configuration.routeValidation.strategy,
      portal: false,
      loaded_plugins: Object.fromEntries(catalog.map(({ name }) => [name, true])),
    },
    pids: { master: process.ppid, workers: [process.pid] },
  }
}

/** As in Kong, the plugin that runs first has the highest priority. */
const priorityOf = (name: string, catalog: Configuration['catalog']): number =>
  catalog.length - catalog.findIndex((schema) => schema.name === name)

/** In milliseconds. */
const pingTimeout = 1_000

export async function isDatabaseReachable(
  { log }: Pick<NodeFacts, 'log'>,
  configuration: Pick<Configuration, 'ping'>,
): Promise<boolean> {
  const timedOut = new Error(`no answer within ${pingTimeout} ms`)
  const timeout = sleep(pingTimeout, timedOut, { ref: false })
  const error = await Promise.race([
    configuration.ping().then(
      () => undefined,
      (reason: unknown) => reason,
    ),
    timeout,
  ])
  if (error !== undefined) log?.warn('admin: database unreachable', { error })
  return error === undefined
}

const units: Readonly<Record<string, readonly [divisor: number, name: string]>> = {
  b: [1, 'B'],
  k: [1024, 'KiB'],
  m: [1024 ** 2, 'MiB'],
  g: [1024 ** 3, 'GiB'],
}

/** Formats bytes by Kong's query parameters `unit` and `scale`. */
function sizeFormat({ unit = 'm', scale = '2' }: Readonly<Record<string, string>>) {
  const known = units[unit.toLowerCase()]
  if (known === undefined) {
    const message = `invalid unit '${unit}' (expected 'b/B', 'k/K', 'm/M', or 'g/G')`
    throw new Problem('admin.unit', 400, message)
  }
  const [divisor, name] = known
  const digits = /^\d$/.test(scale) ? Number(scale) : 2
  return (bytes: number): string => `${(bytes / divisor).toFixed(digits)} ${name}`
}

/** Of the Admin API and the Manager: gateway workers report their exchanges instead. A connection is not handed on, so all are handled. */
function describeServer({ requests, connections }: NodeFacts): unknown {
  const { accepted, active } = connections?.() ?? { accepted: 0, active: 0 }
  return {
    connections_accepted: accepted,
    connections_handled: accepted,
    connections_active: active,
    connections_reading: 0,
    connections_writing: 1,
    connections_waiting: Math.max(0, active - 1),
    total_requests: requests(),
  }
}

async function describeStatus(
  facts: NodeFacts,
  { configuration, request }: RequestContext,
): Promise<unknown> {
  const sized = sizeFormat(request.query as Record<string, string>)
  const { rss, heapUsed } = process.memoryUsage()
  const workers = facts.workers?.() ?? []
  return {
    database: { reachable: await isDatabaseReachable(facts, configuration) },
    memory: {
      rss_bytes: rss,
      heap_used_bytes: heapUsed,
      workers_lua_vms: [{ pid: process.pid, http_allocated_gc: sized(heapUsed) }],
      lua_shared_dicts: {},
    },
    server: describeServer(facts),
    revision: configuration.current().revision,
    workers: workers.map(({ node, worker, zone, lastSeen, state }) => ({
      node,
      worker,
      zone,
      heard_at: Math.floor(lastSeen / 1000),
      revision: state.revision,
      spooled_bytes: state.spooledBytes,
      spool_full: state.isSpoolFull === true,
      unrecorded_events: (state.unrecorded ?? []).reduce((sum, { events }) => sum + events, 0),
      exchanges: state.exchanges,
    })),
  }
}
