import { hostname } from 'node:os'
import type { KnownWorker } from '../../cluster/node-registry.ts'
import type { Configuration } from '../../control/configuration.ts'
import type { TargetOrder } from '../../schema/node-protocol.ts'
import type { AdminRoute, Asked } from '../admin-route.ts'
import { locateAt } from '../entities/schema-routes.ts'

/** What this process says about itself. */
export type NodeFacts = {
  /** Version of the program. */
  readonly version: string
  /** Id of this process. */
  readonly node: string
  /** How many requests the Admin API has answered. */
  readonly requests: () => number
  /** The workers that were heard lately. */
  readonly workers?: () => readonly KnownWorker[]
  /** Tells every worker. */
  readonly order?: (order: TargetOrder) => void
}

/** Version of Kong's Admin API that is spoken, which its clients read. */
const spoken = '3.9.1'

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

/** Of the configuration only what the workspace of the path holds is told. */
function describeNode({ version, node }: NodeFacts, { configuration, place }: Asked): unknown {
  const { catalog } = configuration
  const { revision, snapshot } = configuration.current()
  const inPlace = snapshot.plugins.filter(({ workspace }) => workspace === place.id)
  const enabled = new Set(inPlace.map(({ name }) => name))
  return {
    tagline: 'Welcome to Weir',
    version: spoken,
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

/** Kong tells the order of plugins by numbers, the first having the highest. */
const priorityOf = (name: string, catalog: Configuration['catalog']): number =>
  catalog.length - catalog.findIndex((schema) => schema.name === name)

const units: Readonly<Record<string, readonly [divisor: number, name: string]>> = {
  b: [1, 'B'],
  k: [1024, 'KiB'],
  m: [1024 ** 2, 'MiB'],
  g: [1024 ** 3, 'GiB'],
}

/** In Kong's form, whose monitors read it, as far as there is such a thing here. */
function describeStatus(facts: NodeFacts, { configuration, request }: Asked): unknown {
  const { unit = 'm', scale = '2' } = request.query as Record<string, string>
  const [divisor, name] = units[unit] ?? [1024 ** 2, 'MiB']
  const sized = (bytes: number): string =>
    `${(bytes / divisor).toFixed(/^\d$/.test(scale) ? Number(scale) : 2)} ${name}`
  const { rss, heapUsed } = process.memoryUsage()
  const workers = facts.workers?.() ?? []
  return {
    database: { reachable: true },
    memory: {
      rss_bytes: rss,
      heap_used_bytes: heapUsed,
      workers_lua_vms: [{ pid: process.pid, http_allocated_gc: sized(heapUsed) }],
      lua_shared_dicts: {},
    },
    server: { total_requests: facts.requests() },
    revision: configuration.current().revision,
    workers: workers.map(({ node, worker, zone, heardAt, state }) => ({
      node,
      worker,
      zone,
      heard_at: Math.floor(heardAt / 1000),
      revision: state.revision,
      spooled_bytes: state.spooledBytes,
      exchanges: state.exchanges,
    })),
  }
}
