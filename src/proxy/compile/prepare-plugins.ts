import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../lib/clock.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { silentLog, type Log } from '../../lib/log.ts'
import { Problem } from '../../lib/problem.ts'
import {
  changeGroups,
  changeInGroup,
  type GroupChanges,
  type RadixGroups,
} from '../../lib/radix-groups.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import type { Exporter, ExporterOptions } from '../../schema/exporter.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import type { TrafficMetrics } from '../../schema/traffic-report.ts'
import type {
  Counters,
  HttpClient,
  PluginDefinition,
  PluginTools,
  PluginUse,
  SharedValues,
} from '../plugin.ts'
import { openPluginCaches, type PluginCaches } from '../plugin-caches.ts'
import { compileCondition } from '../plugin-conditions.ts'
import type { ScopedPlugin } from './choose-plugins.ts'
import { isOfStreams } from '../../entities/route-expression.ts'
import { changeIndex, emptyIndex, touchReferring, type ReverseIndex } from './reverse-index.ts'

type SnapshotPlugin = SnapshotItem<'plugins'>

export type PrepareTools = {
  /** In execution order. */
  readonly catalog: readonly PluginDefinition[]
  readonly counters: Counters
  /** Without it, plugins that count in Redis use `counters`: for programs that serve no clients. */
  readonly redisCounters?: PluginTools['redisCounters']
  /** Without it, nothing is shared and nothing found: for programs that serve no clients. */
  readonly sharedValues?: (this: void, workspace: string) => SharedValues
  /** The same. */
  readonly redisValues?: PluginTools['redisValues']
  /** Without it, plugins that export do nothing: for programs that serve no clients. */
  readonly openExporter?: <Entry>(
    this: void,
    owner: { readonly plugin: string; readonly id: string; readonly workspace: string },
    options: ExporterOptions<Entry>,
  ) => Exporter<Entry>
  /** Without it, nothing is measured: for programs that serve no clients. */
  readonly trafficMetrics?: TrafficMetrics
  /** Without it, nothing is cached: for programs that serve no clients. */
  readonly caches?: PluginCaches
  readonly clock: Clock
  /** Without it, requests of plugins fail: for programs that serve no clients. */
  readonly http?: HttpClient
  /** Log of plugins; without it they log nothing. */
  readonly log?: Log
  /** Ids of plugins whose secrets are unavailable, with the reason. Requests that they apply to are refused. */
  readonly withheld?: RadixMap<string>
}

/** The plugins of a snapshot; only enabled ones are prepared. */
export type PluginTables = {
  readonly definitions: ReadonlyMap<string, PluginDefinition>
  readonly byId: RadixMap<ScopedPlugin>
  readonly byScope: RadixGroups<ScopedPlugin>
  readonly ofGroup: ReverseIndex
  readonly withheld: RadixMap<string>
  /** Number of plugins that offer HTTP/2, by scope. */
  readonly http2Offers: RadixMap<number>
  /** Number of plugins that check client certificates; by CA, the number that accept it. */
  readonly checkingCertificates: number
  readonly authorities: RadixMap<number>
}

export const emptyPlugins = (catalog: readonly PluginDefinition[]): PluginTables => ({
  definitions: new Map(catalog.map((definition) => [definition.name, definition])),
  byId: RadixMap.empty(),
  byScope: RadixMap.empty(),
  ofGroup: emptyIndex,
  withheld: RadixMap.empty(),
  http2Offers: RadixMap.empty(),
  checkingCertificates: 0,
  authorities: RadixMap.empty(),
})

/** The scope of plugins that are restricted to a route, to a service, or to neither. */
export const routeScope = (id: string): string => `${id} route`
export const serviceScope = (id: string): string => `${id} service`
export const workspaceScope = (id: string): string => `${id} workspace`

/** The service of a scope, if it is one of a service. */
export const serviceInScope = (scope: string): string | undefined =>
  scope.endsWith(' service') ? scope.slice(0, -' service'.length) : undefined

/** Adds every plugin that it prepares to `prepared`: when one cannot be prepared, those must be closed. */
export function* changePlugins(
  tables: PluginTables,
  before: Snapshot,
  after: Snapshot,
  tools: PrepareTools & { readonly prepared: ScopedPlugin[] },
): CooperativeTask<PluginTables> {
  const withheld = tools.withheld ?? RadixMap.empty()
  let changed: PluginTables = { ...tables, withheld }
  const touched = new Set<string>()
  for (const { key, before: old, after: fresh } of before.plugins.differencesTo(after.plugins)) {
    yield
    changed = count(changed, old, -1)
    changed = count(changed, fresh, 1)
    touched.add(key)
  }
  const changedPlugins = before.plugins.differencesTo(after.plugins)
  const ofGroup = yield* changeIndex(tables.ofGroup, changedPlugins, groupsOf)
  for (const { key } of tables.withheld.differencesTo(withheld)) touched.add(key)
  const groups = before.consumer_groups.differencesTo(after.consumer_groups)
  yield* touchReferring(ofGroup, groups, touched)
  const byId = new Map<string, ScopedPlugin | undefined>()
  const byScope: GroupChanges<ScopedPlugin> = new Map()
  for (const id of touched) {
    yield
    const old = tables.byId.get(id)
    const plugin = after.plugins.get(id)
    const next = plugin && preparePlugin(plugin, { old, before, after, tables: changed, tools })
    byId.set(id, next)
    if (old !== undefined) changeInGroup(byScope, old.scope, id, undefined)
    if (next !== undefined) changeInGroup(byScope, next.scope, id, next)
  }
  return {
    ...changed,
    ofGroup,
    byId: yield* tables.byId.changeSteps(byId),
    byScope: yield* changeGroups(tables.byScope, byScope),
  }
}

const groupsOf = ({ consumer_group: group }: SnapshotPlugin): readonly string[] =>
  group?.id === undefined ? [] : [group.id]

/** Counts the effects of a plugin on all services and handshakes. */
function count(
  tables: PluginTables,
  plugin: SnapshotPlugin | undefined,
  change: 1 | -1,
): PluginTables {
  if (plugin?.enabled !== true) return tables
  const definition = tables.definitions.get(plugin.name)
  let { http2Offers, checkingCertificates, authorities } = tables
  if (definition?.offersHttp2 === true && plugin.route === null)
    http2Offers = addNumber(http2Offers, scopeOf(plugin), change)
  const trusted = definition?.trustedAuthorities?.(plugin.config)
  if (trusted !== undefined) checkingCertificates += change
  for (const id of new Set(trusted)) authorities = addNumber(authorities, id, change)
  return { ...tables, http2Offers, checkingCertificates, authorities }
}

function addNumber(numbers: RadixMap<number>, key: string, change: number): RadixMap<number> {
  const sum = (numbers.get(key) ?? 0) + change
  return sum === 0 ? numbers.without(key) : numbers.with(key, sum)
}

function scopeOf({ workspace, service, route }: SnapshotPlugin): string {
  if (route?.id !== undefined) return routeScope(route.id)
  return service?.id === undefined ? workspaceScope(workspace) : serviceScope(service.id)
}

type Preparation = {
  readonly old: ScopedPlugin | undefined
  readonly before: Snapshot
  readonly after: Snapshot
  readonly tables: PluginTables
  readonly tools: PrepareTools & { readonly prepared: ScopedPlugin[] }
}

/** A prepared plugin with the same settings keeps its state, even if its scope changed. */
function preparePlugin(
  plugin: SnapshotPlugin,
  { old, before, after, tables, tools }: Preparation,
): ScopedPlugin | undefined {
  const definition = tables.definitions.get(plugin.name) ?? refuseUnknown(plugin)
  if (!plugin.enabled) return undefined
  const scoped = describePlugin(plugin, definition, after)
  if (tables.withheld.has(plugin.id)) return { ...scoped, use: refusing }
  if (
    old !== undefined &&
    old.use !== refusing &&
    isSamePlugin(before.plugins.get(plugin.id), plugin)
  )
    return { ...scoped, use: old.use }
  const toUse = isOfStreams(plugin) ? streamPartOf : (use: PluginUse) => use
  // Nothing between the two may throw: what is not in `prepared` is not closed.
  const prepared = { ...scoped, use: toUse(openPlugin(plugin, definition, tools)) }
  tools.prepared.push(prepared)
  return prepared
}

const describePlugin = (
  plugin: SnapshotPlugin,
  { identifies }: PluginDefinition,
  { consumer_groups: groups }: Snapshot,
): Omit<ScopedPlugin, 'use'> => ({
  name: plugin.name,
  protocols: plugin.protocols,
  // Absent from plugins that were stored before it existed.
  condition: typeof plugin.condition === 'string' ? compileCondition(plugin.condition) : undefined,
  identifies,
  scope: scopeOf(plugin),
  service: plugin.service?.id,
  route: plugin.route?.id,
  consumer: plugin.consumer?.id,
  consumerGroup: groups.get(plugin.consumer_group?.id ?? '')?.name,
})

/** Whether it was prepared with the same. */
const isSamePlugin = (was: SnapshotPlugin | undefined, plugin: SnapshotPlugin): boolean =>
  was?.name === plugin.name &&
  was.workspace === plugin.workspace &&
  isDeepStrictEqual(was.config, plugin.config) &&
  isOfStreams(was) === isOfStreams(plugin)

/** The part of a plugin that acts on streams. */
const streamPartOf = (use: PluginUse): PluginUse => ({
  onStream: (exchange) => use.onStream?.(exchange),
  close: () => use.close?.(),
})

function refuseUnknown({ id, name }: SnapshotPlugin): never {
  throw new Problem('program.plugin', 400, `plugin ${id}: there is no plugin '${name}'`)
}

function openPlugin(
  { id, name, workspace, config }: SnapshotPlugin,
  definition: PluginDefinition,
  {
    clock,
    counters,
    redisCounters,
    sharedValues,
    redisValues,
    openExporter,
    trafficMetrics,
    caches = noCaches,
    http = noHttp,
    log = silentLog,
  }: PrepareTools,
): PluginUse {
  const settings = definition.settings.safeParse(config)
  if (!settings.success)
    throw new Problem('program.settings', 400, `plugin ${id} (${name}): ${settings.error.message}`)
  return definition.prepare(settings.data, {
    id,
    workspace,
    clock,
    counters,
    http,
    redisCounters:
      redisCounters ??
      (() => ({ take: (windows) => counters.take(windows), close: () => undefined })),
    openCache: () => caches.open(id),
    sharedValues: sharedValues?.(workspace) ?? noValues,
    redisValues: redisValues ?? (() => ({ ...noValues, close: () => undefined })),
    trafficMetrics: trafficMetrics ?? noMetrics,
    openExporter: (options) =>
      openExporter?.({ plugin: name, id, workspace }, options) ?? idleExporter,
    log,
    findKey: ({ directory }, key) => directory?.findKey(workspace, key),
    findCredential: ({ directory }, list, one) => directory?.findCredential(list, workspace, one),
    findConsumer: ({ directory }, idOrName) => directory?.findConsumer(workspace, idOrName),
    findConsumerBy: ({ directory }, field, value) =>
      directory?.findConsumerBy(workspace, field, value),
    hasConsumerGroup: ({ directory }, group) =>
      directory?.hasConsumerGroup(workspace, group) ?? false,
    findAuthority: ({ directory }, id) => directory?.findAuthority(id),
  })
}

const noCaches = openPluginCaches(0)
const noValues: SharedValues = {
  get: () => Promise.resolve(undefined),
  set: () => Promise.resolve(),
  add: () => Promise.resolve(true),
  extend: () => Promise.resolve(),
  delete: () => Promise.resolve(),
}
const noMetrics: TrafficMetrics = { observe: () => undefined }
const idleExporter = { add: () => undefined, close: () => undefined }

/** Replaces a plugin whose secrets are unavailable: without it, requests could pass unchecked. */
const refusing: PluginUse = {
  onRequest() {
    throw new Problem('program.withheld', 503, 'A required secret is unavailable')
  },
}

const noHttp: HttpClient = () => Promise.reject(new Error('this program sends no requests'))
