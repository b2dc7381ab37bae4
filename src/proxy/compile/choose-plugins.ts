import type { CallerScope } from '../directory.ts'
import type { PluginUse } from '../plugin.ts'
import type { Exchange } from '../exchange.ts'

/** A prepared plugin and its scope; undefined where it is not restricted. */
export type ScopedPlugin = {
  readonly name: string
  readonly identifies: boolean
  readonly use: PluginUse
  readonly protocols: readonly string[]
  /** Whether it acts on an exchange; undefined for one that acts on all. */
  readonly condition: ((exchange: Exchange) => boolean) | undefined
  /** The same for plugins of one route, of one service without a route, or of one workspace without either. */
  readonly scope: string
  readonly service: string | undefined
  readonly route: string | undefined
  readonly consumer: string | undefined
  /** Name of the consumer group. */
  readonly consumerGroup: string | undefined
}

/** The plugins of a route, in execution order. */
export type PluginPlan = {
  /** Up to the last plugin that authenticates. */
  readonly identify: readonly ScopedPlugin[]
  /** The others, which depend on the caller. */
  authorize(this: void, consumer: CallerScope | undefined): readonly ScopedPlugin[]
}

/** Chooses the most specific instance of each plugin, in Kong's order of precedence: consumer+route+service, group+route+service, consumer+route, consumer+service, group+route, group+service, route+service, consumer, group, route, service, everything. */
export function choosePlugins(
  reaching: readonly ScopedPlugin[],
  order: ReadonlyMap<string, number>,
): PluginPlan {
  const ordered = reaching.toSorted((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0))
  const lastIdentifying = ordered.findLast((plugin) => plugin.identifies)
  const border = lastIdentifying === undefined ? -1 : (order.get(lastIdentifying.name) ?? -1)
  const isBefore = (plugin: ScopedPlugin): boolean => (order.get(plugin.name) ?? 0) <= border
  return {
    identify: mostSpecific(ordered.filter(isBefore), undefined),
    authorize: openChoice(ordered.filter((plugin) => !isBefore(plugin))),
  }
}

/** Caches the choice for each consumer with plugins of its own, and for each list of groups; consumers with the same groups share one list. */
function openChoice(later: readonly ScopedPlugin[]): PluginPlan['authorize'] {
  const anyone = mostSpecific(later, undefined)
  const own = new Set(later.flatMap(({ consumer }) => consumer ?? []))
  const hasGroups = later.some(({ consumerGroup }) => consumerGroup !== undefined)
  if (own.size === 0 && !hasGroups) return () => anyone
  const chosen = new WeakMap<object, readonly ScopedPlugin[]>()
  return (consumer) => {
    if (consumer === undefined) return anyone
    const { consumerGroups } = consumer
    const isNamed = own.has(consumer.id)
    if (!isNamed && (!hasGroups || consumerGroups.length === 0)) return anyone
    const key = isNamed ? consumer : consumerGroups
    const known = chosen.get(key)
    if (known !== undefined) return known
    const found = mostSpecific(later, consumer)
    chosen.set(key, found)
    return found
  }
}

function mostSpecific(
  plugins: readonly ScopedPlugin[],
  caller: CallerScope | undefined,
): readonly ScopedPlugin[] {
  const best = new Map<string, ScopedPlugin>()
  for (const plugin of plugins) {
    const { consumer, consumerGroup: group } = plugin
    if (consumer !== undefined && consumer !== caller?.id) continue
    if (group !== undefined && caller?.consumerGroups.includes(group) !== true) continue
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
