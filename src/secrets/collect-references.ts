import type { z } from 'zod'
import { entityNamed } from '../entities/entities.ts'
import { schemaViolation } from '../entities/kong-problem.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import { replaceReferencesIn } from '../entities/referenceable-fields.ts'
import { parseReference, type SecretReference } from '../entities/secret-reference.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import type { Problem } from '../lib/problem.ts'
import { changeByKey, RadixMap } from '../lib/radix-map.ts'
import { snapshotOf, type Snapshot, type SnapshotItem } from '../schema/snapshot.ts'

export type SnapshotVault = SnapshotItem<'vaults'>

/** A reference of a snapshot with the definition of its vault; undefined for the built-in vault `env`, and where the workspace has no such vault. */
export type VaultReference = SecretReference & {
  readonly text: string
  readonly workspace: string
  readonly vault: string
  readonly definition: SnapshotVault | undefined
  /** True while the workspace has no such vault; it may come later. */
  readonly isLost: boolean
  /** The same for references to different members of a secret. */
  readonly secretId: string
}

/** The references of a plugin or certificate, by their text. */
export type ReferencesOf = ReadonlyMap<string, VaultReference>

/** The references of a snapshot. */
export type References = {
  readonly snapshot: Snapshot
  /** By workspace and prefix. */
  readonly vaults: RadixMap<SnapshotVault>
  /** Of the plugins and certificates that have any, by id. */
  readonly plugins: RadixMap<ReferencesOf>
  readonly certificates: RadixMap<ReferencesOf>
  /** The secrets that they lead to, if there is a vault, by `secretId`, with the number of references to each. */
  readonly secrets: RadixMap<WantedSecret>
}

export type WantedSecret = { readonly reference: VaultReference; readonly uses: number }

export const noReferences: References = {
  snapshot: snapshotOf({}),
  vaults: RadixMap.empty(),
  plugins: RadixMap.empty(),
  certificates: RadixMap.empty(),
  secrets: RadixMap.empty(),
}

/** The schema of the settings of a plugin; undefined for one that this version does not have. */
export type SettingsOf = (this: void, plugin: string) => z.ZodObject | undefined

export const settingsIn =
  (catalog: readonly PluginSchema[]): SettingsOf =>
  (plugin) =>
    catalog.find(({ name }) => name === plugin)?.settings

/**
 * The references in referenceable fields of a snapshot, from those of the one before and what differs. Throws a Problem
 * for a malformed reference.
 */
export function* collectReferences(
  snapshot: Snapshot,
  settingsOf: SettingsOf,
  previous: References = noReferences,
): CooperativeTask<References> {
  const before = previous.snapshot
  const changedVaults = before.vaults.differencesTo(snapshot.vaults)
  const vaults = yield* changeByKey(previous.vaults, changedVaults, nameOfVault)
  let { secrets } = previous
  const changed = { plugins: previous.plugins, certificates: previous.certificates }
  for (const list of ['plugins', 'certificates'] as const) {
    const touched = new Set<string>()
    const differences: Iterable<{ readonly key: string }> =
      list === 'plugins'
        ? before.plugins.differencesTo(snapshot.plugins)
        : before.certificates.differencesTo(snapshot.certificates)
    for (const { key } of differences) {
      yield
      touched.add(key)
    }
    if (vaults !== previous.vaults) for (const id of previous[list].keys()) touched.add(id)
    for (const id of touched) {
      yield
      const item = snapshot[list].get(id)
      const found = item && referencesIn(item, vaults, settingsOf)
      secrets = countUses(secrets, changed[list].get(id), -1)
      secrets = countUses(secrets, found, 1)
      changed[list] =
        found === undefined || found.size === 0
          ? changed[list].without(id)
          : changed[list].with(id, found)
    }
  }
  return { snapshot, vaults, secrets, ...changed }
}

const nameOf = (prefix: string, workspace: string): string => `${prefix} ${workspace}`
const nameOfVault = ({ prefix, workspace }: SnapshotVault): string => nameOf(prefix, workspace)

function countUses(
  secrets: RadixMap<WantedSecret>,
  references: ReferencesOf | undefined,
  change: 1 | -1,
): RadixMap<WantedSecret> {
  let counted = secrets
  for (const reference of references?.values() ?? []) {
    if (reference.isLost) continue
    const id = reference.secretId
    const uses = (counted.get(id)?.uses ?? 0) + change
    counted = uses === 0 ? counted.without(id) : counted.with(id, { reference, uses })
  }
  return counted
}

type Holder = SnapshotItem<'plugins'> | SnapshotItem<'certificates'>

/** Replaces the references in the referenceable fields of an item. */
export function fillReferences<Item extends Holder>(
  item: Item,
  settingsOf: SettingsOf,
  replace: (text: string) => string,
): Item {
  if (!('config' in item)) return replaceReferencesIn(item, certificateFields, replace)
  const settings = settingsOf(item.name)
  if (settings === undefined) return item
  return { ...item, config: replaceReferencesIn(item.config, settings, replace) }
}

const certificateFields = entityNamed('certificate').fields

function referencesIn(
  item: Holder,
  vaults: RadixMap<SnapshotVault>,
  settingsOf: SettingsOf,
): ReferencesOf {
  const found = new Map<string, VaultReference>()
  const { workspace } = item
  fillReferences(item, settingsOf, (text) => {
    const reference = parseReference(text)
    if (reference === undefined) throw malformed(item, text)
    const { vault, secret } = reference
    const definition = vaults.get(nameOf(vault, workspace))
    const isLost = definition === undefined && vault !== 'env'
    const secretId = JSON.stringify([secret, workspace, definition?.name, definition?.config])
    found.set(text, { ...reference, text, workspace, definition, isLost, secretId })
    return text
  })
  return found
}

const malformed = (item: Holder, text: string): Problem => {
  const sentence = `${describe(item)}: ${text} is not a valid reference to a secret`
  return schemaViolation({ '@entity': [sentence] })
}

const describe = (item: Holder): string =>
  'config' in item ? `plugin ${item.id} (${item.name})` : `certificate ${item.id}`
