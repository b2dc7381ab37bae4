import type { Clock } from '../../lib/clock.ts'
import { silentLog, type Log } from '../../lib/log.ts'
import { Problem } from '../../lib/problem.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import type { Counters, PluginDefinition, PluginUse } from '../plugin.ts'
import type { ScopedPlugin } from './choose-plugins.ts'
import type { Directory } from './open-directories.ts'

/** What plugins are prepared with. */
export type PrepareTools = {
  /** In execution order. */
  readonly catalog: readonly PluginDefinition[]
  readonly counters: Counters
  readonly clock: Clock
  /** Where plugins log; nowhere unless given. */
  readonly log?: Log
  /** Ids of plugins whose secrets are unavailable, with the reason. Requests that they apply to are refused. */
  readonly withheld?: ReadonlyMap<string, string>
}

/** Adds the enabled plugins of each workspace to `prepared`. When one cannot be prepared, those before it are there and must be closed. */
export function preparePlugins(
  snapshot: Snapshot,
  directories: ReadonlyMap<string, Directory>,
  tools: PrepareTools,
  prepared: Map<string, ScopedPlugin[]>,
): void {
  const definitions = new Map(tools.catalog.map((definition) => [definition.name, definition]))
  for (const plugin of snapshot.plugins.values()) {
    const definition = definitions.get(plugin.name) ?? refuseUnknown(plugin)
    const directory = directories.get(plugin.workspace)
    if (!plugin.enabled || directory === undefined) continue
    const list = prepared.get(plugin.workspace) ?? []
    prepared.set(plugin.workspace, list)
    const scope = {
      name: plugin.name,
      identifies: definition.identifies,
      service: plugin.service?.id,
      route: plugin.route?.id,
      consumer: plugin.consumer?.id,
      consumerGroup: snapshot.consumer_groups.get(plugin.consumer_group?.id ?? '')?.name,
    }
    list.push({ ...scope, use: preparePlugin(plugin, definition, { ...tools, directory }) })
  }
}

function refuseUnknown({ id, name }: SnapshotItem<'plugins'>): never {
  throw new Problem('program.plugin', 400, `plugin ${id}: there is no plugin '${name}'`)
}

function preparePlugin(
  plugin: SnapshotItem<'plugins'>,
  definition: PluginDefinition,
  tools: PrepareTools & { readonly directory: Directory },
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

/** Replaces a plugin whose secrets are unavailable: without it, requests could pass unchecked. */
const refusing: PluginUse = {
  onRequest() {
    throw new Problem(
      'program.withheld',
      503,
      'A secret that is needed here cannot be had at present',
    )
  },
}
