import type { PluginUse } from './plugin.ts'

/** A prepared plugin with what it was put on; undefined where it does not ask. */
export type ScopedPlugin = {
  readonly name: string
  readonly identifies: boolean
  readonly use: PluginUse
  readonly service: string | undefined
  readonly route: string | undefined
  readonly consumer: string | undefined
}

/** The plugins of a route, in the order in which they run. */
export type PluginPlan = {
  /** Run before the caller is known, and up to the last plugin that identifies. */
  readonly identify: readonly ScopedPlugin[]
  /** Run afterwards; which they are depends on the caller. */
  authorize(consumer: string | undefined): readonly ScopedPlugin[]
}

type Scope = { readonly route: string; readonly service: string | undefined }

/** Plugins by the nearest place they were put on, so that a route does not have to be compared with those of all others. */
export type PlacedPlugins = {
  readonly everywhere: readonly ScopedPlugin[]
  readonly ofService: ReadonlyMap<string, readonly ScopedPlugin[]>
  readonly ofRoute: ReadonlyMap<string, readonly ScopedPlugin[]>
}

/** Sorts the plugins of a workspace by place. */
export function placePlugins(plugins: readonly ScopedPlugin[]): PlacedPlugins {
  const onRoute = plugins.filter(({ route }) => route !== undefined)
  const onService = plugins.filter((one) => one.route === undefined && one.service !== undefined)
  return {
    everywhere: plugins.filter((one) => one.route === undefined && one.service === undefined),
    ofService: Map.groupBy(onService, ({ service }) => service ?? ''),
    ofRoute: Map.groupBy(onRoute, ({ route }) => route ?? ''),
  }
}

/** Of each plugin name the one use that is nearest, as in Kong: route+service+consumer, route+consumer, service+consumer, route+service, consumer, route, service, everything. */
export function choosePlugins(
  { everywhere, ofService, ofRoute }: PlacedPlugins,
  scope: Scope,
  order: ReadonlyMap<string, number>,
): PluginPlan {
  const onService = scope.service === undefined ? [] : (ofService.get(scope.service) ?? [])
  const onRoute = (ofRoute.get(scope.route) ?? []).filter(
    (plugin) => (plugin.service ?? scope.service) === scope.service,
  )
  const reaching = [...everywhere, ...onService, ...onRoute].sort(
    (a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0),
  )
  const lastIdentifying = reaching.findLast((plugin) => plugin.identifies)
  const border = lastIdentifying === undefined ? -1 : (order.get(lastIdentifying.name) ?? -1)
  const isBefore = (plugin: ScopedPlugin): boolean => (order.get(plugin.name) ?? 0) <= border
  const later = reaching.filter((plugin) => !isBefore(plugin))
  const anyone = nearest(later, undefined)
  const ofConsumer = new Map<string, readonly ScopedPlugin[]>()
  for (const { consumer } of later) {
    if (consumer !== undefined && !ofConsumer.has(consumer))
      ofConsumer.set(consumer, nearest(later, consumer))
  }
  return {
    identify: nearest(reaching.filter(isBefore), undefined),
    authorize: (consumer) =>
      consumer === undefined ? anyone : (ofConsumer.get(consumer) ?? anyone),
  }
}

function nearest(
  plugins: readonly ScopedPlugin[],
  consumer: string | undefined,
): readonly ScopedPlugin[] {
  const best = new Map<string, ScopedPlugin>()
  for (const plugin of plugins) {
    if (plugin.consumer !== undefined && plugin.consumer !== consumer) continue
    const other = best.get(plugin.name)
    if (other === undefined || nearness(plugin) > nearness(other)) best.set(plugin.name, plugin)
  }
  return [...best.values()]
}

/** Kong's order of precedence as a number: a consumer counts three, a route two, a service one, and both places beat a lone consumer. */
function nearness({ route, service, consumer }: ScopedPlugin): number {
  const place = (route === undefined ? 0 : 2) + (service === undefined ? 0 : 1)
  if (consumer !== undefined) return place === 0 ? 2.5 : 3 + place
  return place
}
