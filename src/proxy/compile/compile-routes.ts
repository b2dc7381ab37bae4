import { hash } from 'node:crypto'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import type { RouteRef } from '../exchange.ts'
import type { ServiceProgram } from './compile-services.ts'
import type { ChosenPlugins } from './plugins-of-route.ts'
import { changeIndex, emptyIndex, touchReferring, type ReverseIndex } from './reverse-index.ts'

type SnapshotService = SnapshotItem<'services'>
type SnapshotRoute = SnapshotItem<'routes'>

/** A route with its service. */
export type RouteProgram = {
  readonly route: SnapshotRoute
  readonly routeRef: RouteRef
  readonly service: ServiceProgram | undefined
  /** The name of the route in `Via`. */
  readonly viaName: string
  /** Never for a service of protocol `grpc` or `grpcs`; gRPC calls to other services are recognised by their content type. */
  readonly isRequestBuffered: boolean
  /** Cache of its plugins; use `pluginsOf` of the program. */
  chosen: ChosenPlugins | undefined
}

/** Routes of disabled services are left out. */
export type RouteTables = {
  readonly routes: RadixMap<RouteProgram>
  /** Routes by service and workspace. */
  readonly references: ReverseIndex
}

export const emptyRoutes = (): RouteTables => ({ routes: RadixMap.empty(), references: emptyIndex })

type Services = RadixMap<ServiceProgram>

/** Compiles the routes that changed, or whose service or workspace did. */
export function* changeRoutes(
  tables: RouteTables,
  before: Snapshot,
  after: Snapshot,
  services: { readonly before: Services; readonly after: Services },
): CooperativeTask<RouteTables> {
  const touched = new Set<string>()
  for (const { key } of before.routes.differencesTo(after.routes)) {
    yield
    touched.add(key)
  }
  const changedRoutes = before.routes.differencesTo(after.routes)
  const references = yield* changeIndex(tables.references, changedRoutes, referencesOf)
  yield* touchReferring(references, services.before.differencesTo(services.after), touched)
  yield* touchReferring(references, renamedWorkspaces(before, after), touched)
  const changed = new Map<string, RouteProgram | undefined>()
  for (const id of touched) {
    yield
    const route = after.routes.get(id)
    changed.set(id, route && compileRoute(route, after, services.after))
  }
  return { routes: yield* tables.routes.changeSteps(changed), references }
}

/** A route has the name of its workspace. */
function* renamedWorkspaces(
  before: Snapshot,
  after: Snapshot,
): Generator<{ readonly key: string }> {
  for (const difference of before.workspaces.differencesTo(after.workspaces))
    if (difference.before?.name !== difference.after?.name) yield difference
}

const referencesOf = ({ service, workspace }: SnapshotRoute): readonly string[] =>
  service?.id === undefined ? [workspace] : [workspace, service.id]

function compileRoute(
  route: SnapshotRoute,
  { workspaces }: Snapshot,
  services: Services,
): RouteProgram | undefined {
  const service = route.service === null ? undefined : services.get(route.service.id)
  const workspace = workspaces.get(route.workspace)
  if (workspace === undefined || service?.service.enabled === false) return undefined
  const isGrpc = service !== undefined && service.service.protocol.startsWith('grpc')
  return {
    route,
    routeRef: routeRefOf(workspace, service?.service, route),
    service,
    viaName: `weir-${hash('sha256', `${workspace.id} ${route.id}`).slice(0, 16)}`,
    isRequestBuffered: route.request_buffering && !isGrpc,
    chosen: undefined,
  }
}

function routeRefOf(
  workspace: SnapshotItem<'workspaces'>,
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
