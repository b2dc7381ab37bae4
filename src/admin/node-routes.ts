import { hostname } from 'node:os'
import type { Configuration } from '../control/configuration.ts'
import type { AdminRoute, Asked } from './admin-route.ts'
import { locateAt } from './schema-routes.ts'

/** What this process says about itself. */
export type NodeFacts = {
  /** Version of the program. */
  readonly version: string
  /** Id of this process. */
  readonly node: string
  /** How many requests the Admin API has answered. */
  readonly requests: () => number
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
      methods: { GET: async ({ configuration }) => describeStatus(facts, configuration) },
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
    node_id: node,
    plugins: {
      available_on_server: Object.fromEntries(catalog.map(({ name }) => [name, { version }])),
      enabled_in_cluster: [...enabled].sort(),
    },
    configuration: {
      database: 'sqlite',
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

function describeStatus({ requests }: NodeFacts, configuration: Configuration): unknown {
  const { rss, heapUsed } = process.memoryUsage()
  return {
    database: { reachable: true },
    memory: { rss_bytes: rss, heap_used_bytes: heapUsed },
    server: { total_requests: requests() },
    revision: configuration.current().revision,
  }
}
