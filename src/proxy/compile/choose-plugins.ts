import type { PluginUse } from '../plugin.ts'

/** A prepared plugin and its scope; undefined where it is not restricted. */
export type ScopedPlugin = {
  readonly name: string
  readonly identifies: boolean
  readonly use: PluginUse
  readonly service: string | undefined
  readonly route: string | undefined
  readonly consumer: string | undefined
  /** Name of the consumer group. */
  readonly consumerGroup: string | undefined
}

/** The sorted names of a consumer's groups; the same array for the same groups, so that choices can be cached by it. */
export type GroupsOf = (consumer: string) => readonly string[]

/** The plugins of a route, in execution order. */
export type PluginPlan = {
  /** Up to the last plugin that authenticates. */
  readonly identify: readonly ScopedPlugin[]
  /** The others, which depend on the caller. */
  authorize(consumer: string | undefined): readonly ScopedPlugin[]
}

type Scope = { readonly route: string; readonly service: string | undefined }

/** Plugins by scope, so that a route is not compared with the plugins of all others. */
export type PluginsByScope = {
  readonly everywhere: readonly ScopedPlugin[]
  readonly ofService: ReadonlyMap<string, readonly ScopedPlugin[]>
  readonly ofRoute: ReadonlyMap<string, readonly ScopedPlugin[]>
}

export function groupByScope(plugins: readonly ScopedPlugin[]): PluginsByScope {
  const onRoute = plugins.filter(({ route }) => route !== undefined)
  const onService = plugins.filter((one) => one.route === undefined && one.service !== undefined)
  return {
    everywhere: plugins.filter((one) => one.route === undefined && one.service === undefined),
    ofService: Map.groupBy(onService, ({ service }) => service ?? ''),
    ofRoute: Map.groupBy(onRoute, ({ route }) => route ?? ''),
  }
}

/** Chooses the most specific instance of each plugin, in Kong's order of precedence: consumer+route+service, group+route+service, consumer+route, consumer+service, group+route, group+service, route+service, consumer, group, route, service, everything. */
export function choosePlugins(
  { everywhere, ofService, ofRoute }: PluginsByScope,
  scope: Scope,
  order: ReadonlyMap<string, number>,
  groupsOf: GroupsOf = () => [],
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
  return {
    identify: mostSpecific(reaching.filter(isBefore), undefined, []),
    authorize: openChoice(later, groupsOf),
  }
}

/** Precomputes the choice for consumers with plugins of their own, and caches it for each list of groups. */
function openChoice(later: readonly ScopedPlugin[], groupsOf: GroupsOf): PluginPlan['authorize'] {
  const anyone = mostSpecific(later, undefined, [])
  const own = new Set(later.flatMap(({ consumer }) => consumer ?? []))
  const hasGroups = later.some(({ consumerGroup }) => consumerGroup !== undefined)
  const ofConsumer = new Map(
    [...own].map((consumer) => [consumer, mostSpecific(later, consumer, groupsOf(consumer))]),
  )
  if (!hasGroups)
    return (consumer) => (consumer === undefined ? anyone : (ofConsumer.get(consumer) ?? anyone))
  const ofGroups = new Map<readonly string[], readonly ScopedPlugin[]>()
  return (consumer) => {
    if (consumer === undefined) return anyone
    const found = ofConsumer.get(consumer)
    if (found !== undefined) return found
    const groups = groupsOf(consumer)
    const known = ofGroups.get(groups)
    if (known !== undefined) return known
    const chosen = groups.length === 0 ? anyone : mostSpecific(later, undefined, groups)
    ofGroups.set(groups, chosen)
    return chosen
  }
}

function mostSpecific(
  plugins: readonly ScopedPlugin[],
  consumer: string | undefined,
  groups: readonly string[],
): readonly ScopedPlugin[] {
  const best = new Map<string, ScopedPlugin>()
  for (const plugin of plugins) {
    if (plugin.consumer !== undefined && plugin.consumer !== consumer) continue
    if (plugin.consumerGroup !== undefined && !groups.includes(plugin.consumerGroup)) continue
    const other = best.get(plugin.name)
    if (other === undefined || isMoreSpecific(plugin, other)) best.set(plugin.name, plugin)
  }
  return [...best.values()]
}

/** Between two groups of one consumer the lower name wins, as in Kong. */
function isMoreSpecific(plugin: ScopedPlugin, other: ScopedPlugin): boolean {
  const difference = specificity(plugin) - specificity(other)
  if (difference !== 0) return difference > 0
  return (plugin.consumerGroup ?? '') < (other.consumerGroup ?? '')
}

/** Kong's order of precedence as a number: a route counts two and a service one; a consumer outweighs both, a group comes close. */
function specificity({ route, service, consumer, consumerGroup }: ScopedPlugin): number {
  const place = (route === undefined ? 0 : 2) + (service === undefined ? 0 : 1)
  if (consumer !== undefined) return place === 0 ? 2.5 : 3 + place
  if (consumerGroup === undefined) return place
  return [2.25, 3.25, 3.5, 5.5][place] ?? 0
}
