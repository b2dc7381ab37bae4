import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import {
  choosePlugins,
  groupByScope,
  type PluginPlan,
  type ScopedPlugin,
} from './compile/choose-plugins.ts'
import { compilePools } from './compile/compile-pools.ts'
import { clientCaList, compileServices, type ServiceProgram } from './compile/compile-services.ts'
import { openDirectories, openGroups } from './compile/open-directories.ts'
import { preparePlugins, type PrepareTools } from './compile/prepare-plugins.ts'
import { emptyRouter, type Router } from './compile-router.ts'
import type { RouteRef } from './exchange.ts'
import { keepPools, type PoolKeeper } from './keep-pools.ts'
import { emptyStreams, type StreamRoutes } from './stream/compile-streams.ts'
import { compileServerNames, type ServerNames } from './tls/server-names.ts'

type SnapshotService = Snapshot['services'][number]
type SnapshotRoute = Snapshot['routes'][number]

/** A route with its service and plugins. */
export type RouteProgram = {
  readonly route: SnapshotRoute
  readonly routeRef: RouteRef
  readonly service: ServiceProgram | undefined
  readonly plugins: PluginPlan
  /** Never for a service of protocol `grpc` or `grpcs`; gRPC calls to other services are recognised by their content type. */
  readonly isRequestBuffered: boolean
}

/** A snapshot compiled to run. */
export type Program = {
  readonly revision: number
  readonly router: Router<RouteProgram>
  readonly streams: StreamRoutes<RouteProgram>
  /** Certificates by server name. */
  readonly names: ServerNames
  /** Closes the plugins; call it after the last exchange. */
  close(): void
}

/** What a program is compiled with. */
export type ProgramTools = PrepareTools & {
  /** Keeps the state of targets across programs and runs health checks; without it there are none. */
  readonly pools?: PoolKeeper
}

/** Throws a Problem that names the entity if the snapshot cannot run. */
export const compileProgram = (
  snapshot: Snapshot,
  revision: number,
  tools: ProgramTools,
): Program => runToCompletion(compileSteps(snapshot, revision, tools))

/** The same in slices, so that compiling a large snapshot does not delay requests. */
export function* compileSteps(
  snapshot: Snapshot,
  revision: number,
  tools: ProgramTools,
): CooperativeTask<Program> {
  const directories = openDirectories(snapshot, tools.clock)
  const plugins = new Map<string, ScopedPlugin[]>()
  const closePlugins = (): void => {
    for (const { name, use } of [...plugins.values()].flat()) {
      try {
        use.close?.()
      } catch (error) {
        tools.log?.error('proxy: closing a plugin failed', { plugin: name, revision, error })
      }
    }
  }
  try {
    preparePlugins(snapshot, directories, tools, plugins)
    const compiled = yield* compileRest(snapshot, plugins, tools)
    const { unwatch, ...parts } = compiled
    return {
      revision,
      ...parts,
      close() {
        unwatch?.()
        closePlugins()
      },
    }
  } catch (error) {
    closePlugins()
    throw error
  }
}

/** Everything after the plugins. Its last step takes the pools over from the previous program, which keeps them if anything throws. */
function* compileRest(
  snapshot: Snapshot,
  plugins: ReadonlyMap<string, ScopedPlugin[]>,
  tools: ProgramTools,
): CooperativeTask<
  Pick<Program, 'router' | 'streams' | 'names'> & { readonly unwatch: (() => void) | undefined }
> {
  const groupsOf = openGroups(snapshot)
  const keeper = tools.pools ?? keepPools({ clock: tools.clock })
  yield
  const pools = yield* compilePools(snapshot, keeper)
  const services = yield* compileServices(snapshot, pools, tools.catalog)
  const order = new Map(tools.catalog.map(({ name }, index) => [name, index]))
  const placed = new Map([...plugins].map(([home, list]) => [home, groupByScope(list)]))
  const none = groupByScope([])
  const planOf = ({ id, service, workspace }: SnapshotRoute): PluginPlan =>
    choosePlugins(
      placed.get(workspace) ?? none,
      { route: id, service: service?.id },
      order,
      groupsOf,
    )
  const routes = yield* compileRoutes(snapshot, services, planOf)
  const router = yield* emptyRouter<RouteProgram>().with([], routes)
  const streams = yield* emptyStreams<RouteProgram>().with([], routes)
  const names = compileServerNames(snapshot, clientCaList(snapshot, tools.catalog))
  yield
  const unwatch = tools.pools && (yield* tools.pools.watch([...pools.values()]))
  return { router, streams, names, unwatch }
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
    const routeRef = routeRefOf(workspace, service?.service, route)
    const isGrpc = service !== undefined && service.service.protocol.startsWith('grpc')
    const isRequestBuffered = route.request_buffering && !isGrpc
    const program = { route, routeRef, service, plugins: planOf(route), isRequestBuffered }
    routes.push({ route, program })
  }
  return routes
}

function routeRefOf(
  workspace: Snapshot['workspaces'][number],
  service: SnapshotService | undefined,
  route: SnapshotRoute,
): RouteRef {
  return {
    workspace: workspace.id,
    workspace_name: workspace.name,
    service: service?.id ?? '',
    service_name: service?.name ?? '',
    route: route.id,
    route_name: route.name ?? '',
  }
}
