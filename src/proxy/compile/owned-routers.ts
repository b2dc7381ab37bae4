import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { normalizePath } from '../../lib/normalize-path.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import {
  changeOwnership,
  emptyOwnership,
  isOwner,
  ownerOf,
  type Ownership,
} from '../../schema/ownership.ts'
import type { Snapshot } from '../../schema/snapshot.ts'
import { emptyRouter, type Router } from '../compile-router.ts'
import type { RouteProgram, RouteTables } from './compile-routes.ts'
import { groupOf } from '../../lib/radix-groups.ts'

/** Owners of hosts and paths, and routers by the id of the owner. */
export type OwnedRouters = {
  readonly ownership: Ownership
  readonly byOwner: RadixMap<Router<RouteProgram>>
}

export const emptyOwnedRouters = (): OwnedRouters => ({
  ownership: emptyOwnership,
  byOwner: RadixMap.empty(),
})

/** A route as routers take it. */
export type Routed = { readonly route: RouteProgram['route']; readonly program: RouteProgram }

/** The routers after a change of workspaces or routes. Free while no workspace owns anything. */
export function* changeOwnedRouters(
  { ownership, byOwner }: OwnedRouters,
  snapshots: { readonly before: Snapshot; readonly after: Snapshot },
  routes: { readonly after: RouteTables; readonly removed: Routed[]; readonly added: Routed[] },
): CooperativeTask<OwnedRouters> {
  const workspaces = [...snapshots.before.workspaces.differencesTo(snapshots.after.workspaces)]
  let routers = byOwner
  const built = new Set<string>()
  for (const { key: id, before, after } of workspaces) {
    if (!isOwner(after)) routers = routers.without(id)
    else if (!isOwner(before)) {
      routers = routers.with(
        id,
        yield* emptyRouter<RouteProgram>().with([], ofWorkspace(routes.after, id)),
      )
      built.add(id)
    }
  }
  if (routers.size > 0) {
    const removed = Map.groupBy(routes.removed, workspaceOf)
    const added = Map.groupBy(routes.added, workspaceOf)
    for (const id of new Set([...removed.keys(), ...added.keys()])) {
      const router = built.has(id) ? undefined : routers.get(id)
      if (router === undefined) continue
      routers = routers.with(id, yield* router.with(removed.get(id) ?? [], added.get(id) ?? []))
    }
  }
  return { ownership: changeOwnership(ownership, workspaces), byOwner: routers }
}

const workspaceOf = ({ route }: Routed): string => route.workspace

function* ofWorkspace({ routes, references }: RouteTables, id: string): Generator<Routed> {
  for (const routeId of groupOf(references, id).keys()) {
    const program = routes.get(routeId)
    if (program !== undefined) yield { route: program.route, program }
  }
}

/** Matches a request to an owned host or path with the routes of its owner only. */
export const ownedRouter = (
  all: Router<RouteProgram>,
  { ownership, byOwner }: OwnedRouters,
): Pick<Router<RouteProgram>, 'match'> => ({
  match(request) {
    if (byOwner.size === 0) return all.match(request)
    // A trailing dot names the same host.
    const host = request.host.endsWith('.') ? request.host.slice(0, -1) : request.host
    const owner = ownerOf(ownership, host, normalizePath(request.path))
    return (owner === undefined ? all : byOwner.get(owner))?.match(request)
  },
})
