import { groupOf } from '../../lib/radix-groups.ts'
import type { RadixMap } from '../../lib/radix-map.ts'
import type { SnapshotItem } from '../../schema/snapshot.ts'
import { choosePlugins, type PluginPlan, type ScopedPlugin } from './choose-plugins.ts'
import { routeScope, serviceScope, workspaceScope, type PluginTables } from './prepare-plugins.ts'

/** The plugins of a route in the program that was used last. */
export type ChosenPlugins = {
  readonly version: object
  /** The plugins by scope that reach the route. */
  readonly reaching: readonly RadixMap<ScopedPlugin>[]
  readonly plan: PluginPlan
}

/** A route for which plugins are chosen. */
export type RoutePlugins = {
  readonly route: Pick<SnapshotItem<'routes'>, 'id' | 'workspace' | 'service'>
  chosen: ChosenPlugins | undefined
}

/** Chooses the plugins of a route at its first request, so that a change of plugins costs nothing for the other routes. */
export function openPluginChoice(
  byScope: PluginTables['byScope'],
  order: ReadonlyMap<string, number>,
): (of: RoutePlugins) => PluginPlan {
  // Routes cache this instead of the tables, which would otherwise stay in memory.
  const version = {}
  return (of) => {
    const known = of.chosen
    if (known?.version === version) return known.plan
    const { id, workspace, service } = of.route
    const reaching = [
      groupOf(byScope, workspaceScope(workspace)),
      groupOf(byScope, serviceScope(service?.id ?? '')),
      groupOf(byScope, routeScope(id)),
    ]
    const isSame = known?.reaching.every((plugins, at) => plugins === reaching[at]) === true
    const plan = isSame ? known.plan : choosePlugins(reachingOf(reaching, service?.id), order)
    of.chosen = { version, reaching, plan }
    return plan
  }
}

/** A plugin of a route may be restricted to a service too. */
const reachingOf = (
  groups: readonly RadixMap<ScopedPlugin>[],
  service: string | undefined,
): ScopedPlugin[] =>
  groups
    .flatMap((plugins) => [...plugins.values()])
    .filter((plugin) => (plugin.service ?? service) === service)
