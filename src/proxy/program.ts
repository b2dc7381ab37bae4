import { createHash } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { silentLog, type Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Pool } from './balance/open-pool.ts'
import { http2Offers } from './compile/compile-http2.ts'
import { compilePools } from './compile/compile-pools.ts'
import { clientCaList, serviceTlsOf } from './compile/compile-tls.ts'
import type { Caller, KnownConsumer, Place } from './exchange.ts'
import { routerSteps, type Router } from './compile-router.ts'
import {
  choosePlugins,
  placePlugins,
  type GroupsOf,
  type PluginPlan,
  type ScopedPlugin,
} from './compile/choose-plugins.ts'
import { keepPools, type PoolKeeper } from './keep-pools.ts'
import type { Counters, PluginDefinition, PluginUse } from './plugin.ts'
import { compileStreams, type StreamRoutes } from './stream/compile-streams.ts'
import { compileServerNames, type ServerNames } from './tls/server-names.ts'
import type { ServiceTls } from './tls/target-tls.ts'

type SnapshotService = Snapshot['services'][number]
type SnapshotRoute = Snapshot['routes'][number]

/** A service with the way to its targets. */
export type ServiceProgram = {
  readonly service: SnapshotService
  readonly pool: Pool
  /** Host to send upstream, or '' for the target's own. */
  readonly hostHeader: string
  /** How its targets are spoken to in secret; undefined where they are not. */
  readonly tls: ServiceTls | undefined
  /** Whether they are offered HTTP/2 in the handshake. */
  readonly offersHttp2: boolean
}

/** A route with everything that its exchanges will need. */
export type RouteProgram = {
  readonly route: SnapshotRoute
  readonly place: Place
  readonly service: ServiceProgram | undefined
  readonly plugins: PluginPlan
  /** Whether a body is read ahead before a target is asked; never for gRPC, whose calls may be answered message by message. */
  readonly isRequestBuffered: boolean
}

/** A snapshot compiled to run. */
export type Program = {
  readonly revision: number
  readonly router: Router<RouteProgram>
  /** The routes of streams. */
  readonly streams: StreamRoutes<RouteProgram>
  /** What TLS handshakes go by. */
  readonly names: ServerNames
  /** Lets the plugins go; call once no exchange uses it any more. */
  close(): void
}

/** What a program is compiled with. */
export type ProgramTools = {
  /** In the order in which they run. */
  readonly catalog: readonly PluginDefinition[]
  readonly counters: Counters
  readonly clock: Clock
  /** Where plugins log; nowhere unless given. */
  readonly log?: Log
  /** Remembers the state of targets from one program to the next, and watches them; without it a program watches nothing. */
  readonly pools?: PoolKeeper
  /** Plugins whose secrets cannot be had, with the reason: where one applies, requests are refused. */
  readonly withheld?: ReadonlyMap<string, string>
}

/** Compiles a snapshot. Throws a Problem that names the entity when something in it could not run. */
export const compileProgram = (
  snapshot: Snapshot,
  revision: number,
  tools: ProgramTools,
): Program => runToCompletion(compileSteps(snapshot, revision, tools))

/** The same as work that can be interrupted, so that requests need not wait for a large program. */
export function* compileSteps(
  snapshot: Snapshot,
  revision: number,
  tools: ProgramTools,
): CooperativeTask<Program> {
  const directories = openDirectories(snapshot, tools.clock)
  const groupsOf = openGroups(snapshot)
  const plugins = preparePlugins(snapshot, directories, tools)
  const keeper = tools.pools ?? keepPools({ clock: tools.clock })
  yield
  const pools = yield* compilePools(snapshot, keeper)
  const services = yield* compileServices(snapshot, pools, http2Offers(snapshot, tools.catalog))
  const order = new Map(tools.catalog.map(({ name }, index) => [name, index]))
  const placed = new Map([...plugins].map(([home, list]) => [home, placePlugins(list)]))
  const none = placePlugins([])
  const planOf = ({ id, service, workspace }: SnapshotRoute): PluginPlan =>
    choosePlugins(
      placed.get(workspace) ?? none,
      { route: id, service: service?.id },
      order,
      groupsOf,
    )
  const routes = yield* compileRoutes(snapshot, services, planOf)
  const router = yield* routerSteps(routes)
  const streams = compileStreams(routes)
  yield
  const unwatch = tools.pools && (yield* tools.pools.watch([...pools.values()]))
  return {
    revision,
    router,
    streams,
    names: compileServerNames(snapshot, clientCaList(snapshot, tools.catalog)),
    close() {
      unwatch?.()
      for (const { name, use } of [...plugins.values()].flat()) {
        try {
          use.close?.()
        } catch (error) {
          tools.log?.error('proxy: closing a plugin failed', { plugin: name, revision, error })
        }
      }
    },
  }
}

type CompiledRoute = { readonly route: SnapshotRoute; readonly program: RouteProgram }

function* compileRoutes(
  snapshot: Snapshot,
  services: ReadonlyMap<string, ServiceProgram>,
  planOf: (route: SnapshotRoute) => PluginPlan,
): CooperativeTask<CompiledRoute[]> {
  const workspaces = new Map(snapshot.workspaces.map((workspace) => [workspace.id, workspace]))
  const routes: CompiledRoute[] = []
  for (const route of snapshot.routes) {
    yield
    const service = route.service === null ? undefined : services.get(route.service.id)
    const workspace = workspaces.get(route.workspace)
    if (workspace === undefined || service?.service.enabled === false) continue
    const place = placeOf(workspace, service?.service, route)
    const isGrpc = service !== undefined && service.service.protocol.startsWith('grpc')
    const isRequestBuffered = route.request_buffering && !isGrpc
    const program = { route, place, service, plugins: planOf(route), isRequestBuffered }
    routes.push({ route, program })
  }
  return routes
}

function placeOf(
  workspace: Snapshot['workspaces'][number],
  service: SnapshotService | undefined,
  route: SnapshotRoute,
): Place {
  return {
    workspace: workspace.id,
    workspace_name: workspace.name,
    service: service?.id ?? '',
    service_name: service?.name ?? '',
    route: route.id,
    route_name: route.name ?? '',
  }
}

function* compileServices(
  snapshot: Snapshot,
  pools: ReadonlyMap<string, Pool>,
  isOffered: (service: SnapshotService) => boolean,
): CooperativeTask<Map<string, ServiceProgram>> {
  const upstreams = new Map(
    snapshot.upstreams.map((upstream) => [`${upstream.workspace} ${upstream.name}`, upstream]),
  )
  const services = new Map<string, ServiceProgram>()
  for (const service of snapshot.services) {
    yield
    const upstream = upstreams.get(`${service.workspace} ${service.host}`)
    const hostHeader = upstream === undefined ? hostHeaderOf(service) : (upstream.host_header ?? '')
    const pool = pools.get(upstream?.id ?? service.id) as Pool
    const tls = serviceTlsOf(service, upstream, snapshot)
    const offersHttp2 = isOffered(service)
    services.set(service.id, { service, pool, hostHeader, tls, offersHttp2 })
  }
  return services
}

function hostHeaderOf({ host, port, protocol }: SnapshotService): string {
  const usual = ['https', 'wss', 'grpcs'].includes(protocol) ? 443 : 80
  return port === usual ? host : `${host}:${port}`
}

type Directory = {
  readonly findKey: (key: string) => Caller | undefined
  readonly findConsumer: (idOrName: string) => KnownConsumer | undefined
}

/** For each workspace, who holds which key. */
function openDirectories(snapshot: Snapshot, clock: Clock): ReadonlyMap<string, Directory> {
  const consumers = new Map<string, KnownConsumer>()
  const byName = new Map<string, KnownConsumer>()
  for (const {
    id,
    username,
    custom_id,
    groups,
    consumer_groups,
    workspace,
  } of snapshot.consumers) {
    const name = username ?? custom_id ?? id
    const consumer = { id, name, customId: custom_id, groups, consumerGroups: consumer_groups }
    consumers.set(id, consumer)
    byName.set(`${workspace} ${id}`, consumer)
    if (username !== null) byName.set(`${workspace} ${username}`, consumer)
  }
  const keys = new Map(
    snapshot.keys.flatMap((key) => {
      const consumer = consumers.get(key.consumer)
      if (consumer === undefined) return []
      const caller: Caller = { kind: 'consumer', method: 'key-auth', credential: key.id, consumer }
      return [[`${key.workspace} ${key.sha256}`, { caller, expiresAt: key.expires_at }] as const]
    }),
  )
  return new Map(
    snapshot.workspaces.map(({ id: workspace }) => [
      workspace,
      {
        findKey: rememberKeys((hash) => keys.get(`${workspace} ${hash}`), clock),
        findConsumer: (idOrName: string) => byName.get(`${workspace} ${idOrName}`),
      },
    ]),
  )
}

type KnownKey = { readonly caller: Caller; readonly expiresAt: number | null }

/** Finds callers by their keys. A key that was found once is not hashed again while the program runs; guesses leave nothing behind. */
function rememberKeys(
  find: (sha256: string) => KnownKey | undefined,
  clock: Clock,
): (secret: string) => Caller | undefined {
  const remembered = new Map<string, KnownKey>()
  return (secret) => {
    let known = remembered.get(secret)
    if (known === undefined) {
      known = find(createHash('sha256').update(secret).digest('hex'))
      if (known === undefined) return undefined
      remembered.set(secret, known)
    }
    const { caller, expiresAt } = known
    return expiresAt !== null && expiresAt * 1000 <= clock.now() ? undefined : caller
  }
}

/** Finds the consumer groups of a consumer; consumers with the same groups share one list. */
function openGroups({ consumers }: Snapshot): GroupsOf {
  const none: readonly string[] = []
  const lists = new Map<string, readonly string[]>()
  const ofConsumer = new Map(
    consumers.flatMap(({ id, consumer_groups: groups }) => {
      if (groups.length === 0) return []
      const text = groups.join('\n')
      const shared = lists.get(text) ?? groups
      lists.set(text, shared)
      return [[id, shared] as const]
    }),
  )
  return (consumer) => ofConsumer.get(consumer) ?? none
}

/** The enabled plugins of each workspace, made ready. */
function preparePlugins(
  snapshot: Snapshot,
  directories: ReadonlyMap<string, Directory>,
  tools: ProgramTools,
): Map<string, ScopedPlugin[]> {
  const definitions = new Map(tools.catalog.map((definition) => [definition.name, definition]))
  const groups = new Map(snapshot.consumer_groups.map(({ id, name }) => [id, name]))
  const prepared = new Map<string, ScopedPlugin[]>()
  for (const plugin of snapshot.plugins) {
    const definition = definitions.get(plugin.name) ?? refuseUnknown(plugin)
    const directory = directories.get(plugin.workspace)
    if (!plugin.enabled || directory === undefined) continue
    const use = preparePlugin(plugin, definition, { ...tools, directory })
    const list = prepared.get(plugin.workspace) ?? []
    prepared.set(plugin.workspace, list)
    list.push({
      name: plugin.name,
      identifies: definition.identifies,
      use,
      service: plugin.service?.id,
      route: plugin.route?.id,
      consumer: plugin.consumer?.id,
      consumerGroup: groups.get(plugin.consumer_group?.id ?? ''),
    })
  }
  return prepared
}

function refuseUnknown({ id, name }: Snapshot['plugins'][number]): never {
  throw new Problem('program.plugin', 400, `plugin ${id}: there is no plugin '${name}'`)
}

function preparePlugin(
  plugin: Snapshot['plugins'][number],
  definition: PluginDefinition,
  tools: ProgramTools & { readonly directory: Directory },
): PluginUse {
  const { clock, counters, directory, withheld, log = silentLog } = tools
  if (withheld?.has(plugin.id) === true) return refusing
  const settings = definition.settings.safeParse(plugin.config)
  if (!settings.success)
    throw new Problem(
      'program.settings',
      400,
      `plugin ${plugin.id} (${plugin.name}): ${settings.error.message}`,
    )
  const { id, workspace } = plugin
  return definition.prepare(settings.data, {
    id,
    workspace,
    clock,
    counters,
    log,
    ...directory,
  })
}

/** Stands in for a plugin that cannot act, because letting requests pass without it would be wrong. */
const refusing: PluginUse = {
  onRequest() {
    throw new Problem(
      'program.withheld',
      503,
      'A secret that is needed here cannot be had at present',
    )
  },
}
