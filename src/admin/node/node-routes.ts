import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KnownWorker } from '../../cluster/node-registry.ts'
import type { Configuration } from '../../control/configuration.ts'
import type { Log } from '../../lib/log.ts'
import type { TargetOrder } from '../../schema/node-protocol.ts'
import type { AdminRoute, Asked } from '../admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'

/** What this process reports about itself. */
export type NodeFacts = {
  /** Version of the program. */
  readonly version: string
  /** Id of this process. */
  readonly node: string
  /** The number of requests to the Admin API. */
  readonly requests: () => number
  /** The workers that were seen lately. */
  readonly workers?: () => readonly KnownWorker[]
  readonly log?: Pick<Log, 'warn'> | undefined
  /** Sends an order to every worker. */
  readonly order?: (order: TargetOrder) => void
}

/** The version of Kong whose Admin API this is; its clients read it. */
const kongVersion = '3.9.1'

/** The routes about the node itself: `/`, `/{workspace}/kong`, `/status`, `/endpoints`. */
export function nodeRoutes(facts: NodeFacts, paths: () => readonly string[]): AdminRoute[] {
  const about = async (asked: Asked) => describeNode(facts, asked)
  return [
    { path: '/', locate: (locating) => locateAt('/', locating), methods: { GET: about } },
    { path: '/kong', locate: (locating) => locateAt('/kong', locating), methods: { GET: about } },
    {
      path: '/status',
      locate: (locating) => locateAt('/status', locating),
      methods: { GET: async (asked) => describeStatus(facts, asked) },
    },
    {
      path: '/endpoints',
      locate: (locating) => locateAt('/endpoints', locating),
      methods: { GET: async () => ({ data: paths(), next: null }) },
    },
    {
      path: '/plugins/enabled',
      locate: (locating) => locateAt('/plugins/enabled', locating),
      methods: {
        GET: async ({ configuration }) => ({
          enabled_plugins: configuration.catalog.map(({ name }) => name),
        }),
      },
    },
  ]
}

/** Describes of the configuration only the workspace of the path. */
function describeNode({ version, node }: NodeFacts, { configuration, place }: Asked): unknown {
  const { catalog } = configuration
  const { revision, snapshot } = configuration.current()
  const inPlace = snapshot.plugins.filter(({ workspace }) => workspace === place.id)
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
      router_flavor: 'traditional_compatible',
      portal: false,
      loaded_plugins: Object.fromEntries(catalog.map(({ name }) => [name, true])),
    },
    pids: { master: process.ppid, workers: [process.pid] },
  }
}

/** Kong's priorities: the first plugin has the highest. */
const priorityOf = (name: string, catalog: Configuration['catalog']): number =>
  catalog.length - catalog.findIndex((schema) => schema.name === name)

/** Milliseconds after which a database that does not answer counts as unreachable. */
const pingTimeout = 1_000

/** Whether the database answers a query now; logs why not. */
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

/** The members of Kong's status that exist here, and our own. */
async function describeStatus(
  facts: NodeFacts,
  { configuration, request }: Asked,
): Promise<unknown> {
  const { unit = 'm', scale = '2' } = request.query as Record<string, string>
  const [divisor, name] = units[unit] ?? [1024 ** 2, 'MiB']
  const sized = (bytes: number): string =>
    `${(bytes / divisor).toFixed(/^\d$/.test(scale) ? Number(scale) : 2)} ${name}`
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
    server: { total_requests: facts.requests() },
    revision: configuration.current().revision,
    workers: workers.map(({ node, worker, zone, lastSeen, state }) => ({
      node,
      worker,
      zone,
      heard_at: Math.floor(lastSeen / 1000),
      revision: state.revision,
      spooled_bytes: state.spooledBytes,
      exchanges: state.exchanges,
    })),
  }
}
