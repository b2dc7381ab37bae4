import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { snapshotOf, type Snapshot } from '../schema/snapshot.ts'
import type { PluginPlan, ScopedPlugin } from './compile/choose-plugins.ts'
import { clientCasOf } from './compile/client-authorities.ts'
import {
  changeOwnedRouters,
  emptyOwnedRouters,
  ownedRouter,
  type OwnedRouters,
  type Routed,
} from './compile/owned-routers.ts'
import { changePools, emptyPools, type PoolTables } from './compile/compile-pools.ts'
import {
  changeRoutes,
  emptyRoutes,
  type RouteProgram,
  type RouteTables,
} from './compile/compile-routes.ts'
import { changeServices, emptyServices, type ServiceTables } from './compile/compile-services.ts'
import { changeDirectory, emptyDirectory, type DirectoryTables } from './compile/open-directory.ts'
import { openPluginChoice } from './compile/plugins-of-route.ts'
import {
  changePlugins,
  emptyPlugins,
  type PluginTables,
  type PrepareTools,
} from './compile/prepare-plugins.ts'
import { shareEqualItems } from './compile/share-equal-items.ts'
import { emptyRouter, type Router } from './compile-router.ts'
import type { Directory } from './directory.ts'
import { keepPools, type PoolKeeper } from './keep-pools.ts'
import { emptyStreams, type StreamRoutes } from './stream/compile-streams.ts'
import {
  changeServerNames,
  emptyServerNames,
  type ServerNames,
  type ServerNameTables,
} from './tls/server-names.ts'

export type { PluginPlan } from './compile/choose-plugins.ts'
export type { RouteProgram } from './compile/compile-routes.ts'

/** A snapshot compiled to run. */
export type Program = {
  readonly revision: number
  readonly router: Pick<Router<RouteProgram>, 'match'>
  readonly streams: StreamRoutes<RouteProgram>
  /** Certificates by server name. */
  readonly names: ServerNames
  readonly directory: Directory
  pluginsOf(this: void, route: RouteProgram): PluginPlan
  /** Whether requests of a workspace are served while their events cannot be recorded. */
  shedsEvents(this: void, workspace: string): boolean
  /** Base for compiling the next program. */
  readonly tables: ProgramTables
  /** Watches its pools again after a later program was not activated. */
  watchPools(this: void): void
  /** Closes all of the plugins, even if one throws. */
  closePlugins(this: void, plugins: Iterable<ScopedPlugin>): void
  /** Closes the plugins that `kept`, the program in use, does not have, and watches the pools of `kept`; without it, closes all plugins and stops health checks. Call it after the last exchange. */
  close(kept?: Program): void
}

export type ProgramTools = PrepareTools & {
  /** Keeps the state of targets across programs and runs health checks; without it there are none. */
  readonly pools?: PoolKeeper
}

/** Every table of a program. Immutable; unchanged parts are shared with the previous program. */
type ProgramTables = {
  readonly received: Snapshot
  readonly snapshot: Snapshot
  readonly keeper: PoolKeeper
  readonly directory: DirectoryTables
  readonly plugins: PluginTables
  readonly pluginsOf: Program['pluginsOf']
  readonly pools: PoolTables
  readonly services: ServiceTables
  readonly routes: RouteTables
  readonly router: Router<RouteProgram>
  readonly owned: OwnedRouters
  readonly streams: StreamRoutes<RouteProgram>
  readonly names: ServerNameTables
}

/** Throws a Problem that names the entity if the snapshot cannot run. */
export const compileProgram = (
  snapshot: Snapshot,
  revision: number,
  tools: ProgramTools,
  previous?: Program,
): Program => runToCompletion(compileSteps(snapshot, revision, tools, previous))

/**
 * Compiles the differences from the previous program, and shares the rest with it; the previous program stays unchanged. In
 * slices, so that compiling a large snapshot does not delay requests.
 */
export function* compileSteps(
  snapshot: Snapshot,
  revision: number,
  tools: ProgramTools,
  previous?: Program,
): CooperativeTask<Program> {
  const prepared: ScopedPlugin[] = []
  const closePlugins = (plugins: Iterable<ScopedPlugin>): void => {
    for (const { name, use } of plugins) {
      try {
        use.close?.()
      } catch (error) {
        tools.log?.error('proxy: closing a plugin failed', { plugin: name, revision, error })
      }
    }
  }
  try {
    const base = previous?.tables ?? emptyTables(tools)
    const tables = yield* changeTables(base, snapshot, { ...tools, prepared })
    // The last step; if anything throws, the pools of the previous program stay active.
    let unwatch = tools.pools && (yield* tools.pools.watch(tables.pools.pools))
    const { router, owned, streams, names, pluginsOf, directory } = tables
    return {
      revision,
      router: ownedRouter(router, owned),
      streams,
      names,
      pluginsOf,
      shedsEvents: (workspace) =>
        tables.snapshot.workspaces.get(workspace)?.on_spool_full === 'shed',
      directory: directory.directory,
      tables,
      closePlugins,
      watchPools() {
        unwatch = tools.pools && runToCompletion(tools.pools.watch(tables.pools.pools))
      },
      close(kept) {
        if (kept === undefined) unwatch?.()
        else kept.watchPools()
        closePlugins(pluginsOnlyIn({ tables }, kept))
      },
    }
  } catch (error) {
    closePlugins(prepared)
    throw error
  }
}

function emptyTables(tools: ProgramTools): ProgramTables {
  const plugins = emptyPlugins(tools.catalog)
  return {
    received: snapshotOf({}),
    snapshot: snapshotOf({}),
    keeper: tools.pools ?? keepPools({ clock: tools.clock }),
    directory: emptyDirectory(tools.clock),
    plugins,
    pluginsOf: openPluginChoice(plugins.byScope, orderOf(tools.catalog)),
    pools: emptyPools(),
    services: emptyServices(),
    routes: emptyRoutes(),
    router: emptyRouter(),
    owned: emptyOwnedRouters(),
    streams: emptyStreams(),
    names: emptyServerNames(),
  }
}

function* changeTables(
  base: ProgramTables,
  received: Snapshot,
  tools: ProgramTools & { readonly prepared: ScopedPlugin[] },
): CooperativeTask<ProgramTables> {
  const before = base.snapshot
  const earlier = { received: base.received, shared: before }
  const after = yield* shareEqualItems(earlier, received)
  const { keeper } = base
  const directory = yield* changeDirectory(base.directory, before, after, tools.clock)
  const plugins = yield* changePlugins(base.plugins, before, after, tools)
  const pluginsOf =
    plugins.byScope === base.plugins.byScope
      ? base.pluginsOf
      : openPluginChoice(plugins.byScope, orderOf(tools.catalog))
  const touched = new Set<string>()
  const pools = yield* changePools(base.pools, before, after, { keeper, touched })
  const services = yield* changeServices(base.services, before, after, {
    ...pools,
    touched,
    http2Offers: plugins.http2Offers,
    previousOffers: base.plugins.http2Offers,
  })
  const routes = yield* changeRoutes(base.routes, before, after, {
    before: base.services.services,
    after: services.services,
  })
  const { removed, added } = yield* changedRoutes(base.routes, routes)
  const router = yield* base.router.with(removed, added)
  const changed = { after: routes, removed, added }
  const owned = yield* changeOwnedRouters(base.owned, { before, after }, changed)
  const streams = yield* base.streams.with(removed, added)
  const clientCas = clientCasOf(plugins, after.ca_certificates)
  const names = yield* changeServerNames(base.names, before, after, clientCas)
  return {
    received,
    snapshot: after,
    keeper,
    directory,
    plugins,
    pluginsOf,
    pools,
    services,
    routes,
    router,
    owned,
    streams,
    names,
  }
}

const orderOf = (catalog: PrepareTools['catalog']): ReadonlyMap<string, number> =>
  new Map(catalog.map(({ name }, index) => [name, index]))

/** The routes to remove from routers and to add. */
function* changedRoutes(
  before: RouteTables,
  after: RouteTables,
): CooperativeTask<{ readonly removed: Routed[]; readonly added: Routed[] }> {
  const removed: Routed[] = []
  const added: Routed[] = []
  for (const { before: old, after: fresh } of before.routes.differencesTo(after.routes)) {
    yield
    if (old !== undefined) removed.push({ route: old.route, program: old })
    if (fresh !== undefined) added.push({ route: fresh.route, program: fresh })
  }
  return { removed, added }
}

/** The plugins that a program has and the other has not. One whose scope alone is another is the same plugin. */
export function* pluginsOnlyIn(
  { tables }: Pick<Program, 'tables'>,
  other: Pick<Program, 'tables'> | undefined,
): Iterable<ScopedPlugin> {
  const others = other?.tables.plugins.byId ?? RadixMap.empty()
  for (const { before, after } of tables.plugins.byId.differencesTo(others))
    if (before !== undefined && before.use !== after?.use) yield before
}
