import { isDeepStrictEqual } from 'node:util'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import type { Snapshot, SnapshotItem } from '../schema/snapshot.ts'
import {
  fillReferences,
  noReferences,
  type References,
  type ReferencesOf,
  type SettingsOf,
  type VaultReference,
} from './collect-references.ts'

/** A snapshot with references replaced by secrets. `withheld` maps ids of plugins without their secrets to the reason. */
export type ResolvedSnapshot = { readonly snapshot: Snapshot; readonly withheld: RadixMap<string> }

/** A secret, or the reason why it is unavailable. */
export type SecretResult = { readonly secret: string } | { readonly reason: string }

/** A resolved snapshot with the references that were replaced in it. */
export type Resolution = ResolvedSnapshot & { readonly references: References }

export const noResolution: Resolution = {
  snapshot: noReferences.snapshot,
  withheld: RadixMap.empty(),
  references: noReferences,
}

export type ReplaceOptions = {
  readonly settingsOf: SettingsOf
  readonly lookUp: (reference: VaultReference) => SecretResult
  /** Whether the settings of a plugin are valid with its secrets. */
  readonly accepts: (plugin: SnapshotItem<'plugins'>) => boolean
  /** True when secrets of the previous resolution may have changed. */
  readonly isStale: boolean
}

/**
 * Replaces references by secrets, from the previous resolution and what differs. Certificates with unavailable secrets
 * are omitted; plugins with unavailable or invalid ones are withheld. An item whose secrets are the same stays the same object.
 */
export function* replaceReferences(
  references: References,
  previous: Resolution,
  options: ReplaceOptions,
): CooperativeTask<Resolution> {
  const { snapshot } = references
  const before = previous.references
  let { withheld } = previous
  let { plugins, certificates } = previous.snapshot
  const idsOf = (list: 'plugins' | 'certificates') =>
    touchedIds(before.snapshot[list], snapshot[list], before[list], references[list], options)
  for (const id of yield* idsOf('plugins')) {
    yield
    const plugin = snapshot.plugins.get(id)
    const { item, reason } = fillPlugin(plugin, references.plugins.get(id), options)
    plugins = replaceItem(plugins, id, item)
    withheld = reason === undefined ? withheld.without(id) : withheld.with(id, reason)
  }
  for (const id of yield* idsOf('certificates')) {
    yield
    const item = snapshot.certificates.get(id)
    const filled = item && fill(item, references.certificates.get(id), options)
    certificates = replaceItem(
      certificates,
      id,
      filled?.reason === undefined ? filled?.value : undefined,
    )
  }
  return { references, withheld, snapshot: { ...snapshot, plugins, certificates } }
}

function* touchedIds(
  before: RadixMap<object>,
  after: RadixMap<object>,
  referencesBefore: RadixMap<ReferencesOf>,
  referencesAfter: RadixMap<ReferencesOf>,
  { isStale }: ReplaceOptions,
): CooperativeTask<ReadonlySet<string>> {
  const touched = new Set<string>()
  for (const changes of [
    before.differencesTo(after),
    referencesBefore.differencesTo(referencesAfter),
  ])
    for (const { key } of changes) {
      yield
      touched.add(key)
    }
  if (isStale) for (const id of referencesAfter.keys()) touched.add(id)
  return touched
}

function replaceItem<Item extends object>(
  list: RadixMap<Item>,
  id: string,
  item: Item | undefined,
): RadixMap<Item> {
  if (item === undefined) return list.without(id)
  const old = list.get(id)
  return old === item || isDeepStrictEqual(old, item) ? list : list.with(id, item)
}

type FilledPlugin = {
  readonly item: SnapshotItem<'plugins'> | undefined
  readonly reason?: string | undefined
}

function fillPlugin(
  plugin: SnapshotItem<'plugins'> | undefined,
  references: ReferencesOf | undefined,
  options: ReplaceOptions,
): FilledPlugin {
  if (plugin === undefined || references === undefined) return { item: plugin }
  const { value: item, reason } = fill(plugin, references, options)
  if (reason !== undefined || options.accepts(item)) return { item, reason }
  return { item, reason: 'its settings are not valid with the secret of the reference' }
}

/** An item with its references replaced, and the reason if one of them cannot be. */
function fill<Item extends SnapshotItem<'plugins'> | SnapshotItem<'certificates'>>(
  item: Item,
  references: ReferencesOf | undefined,
  { lookUp, settingsOf }: Pick<ReplaceOptions, 'lookUp' | 'settingsOf'>,
): { readonly value: Item; readonly reason: string | undefined } {
  if (references === undefined) return { value: item, reason: undefined }
  let reason: string | undefined
  const filled = fillReferences(item, settingsOf, (text) => {
    const reference = references.get(text)
    const result =
      reference === undefined
        ? { reason: text }
        : reference.isLost
          ? { reason: `there is no vault '${reference.vault}' in its workspace` }
          : lookUp(reference)
    if ('secret' in result) return result.secret
    reason = result.reason
    return text
  })
  return { value: filled, reason }
}
