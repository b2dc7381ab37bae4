import type { Clock } from '../lib/clock.ts'
import { runSliced } from '../lib/cooperative-task.ts'
import type { Snapshot, SnapshotItem } from '../schema/snapshot.ts'
import {
  collectReferences,
  noReferences,
  type SettingsOf,
  type VaultReference,
} from './collect-references.ts'
import type { VaultTools } from './read-vault.ts'
import { noResolution, replaceReferences, type ResolvedSnapshot } from './replace-references.ts'
import { openSecretCache } from './secret-cache.ts'

/** Resolves vault references in snapshots and refreshes the secrets. */
export type Secrets = {
  /** Replaces the references of a snapshot with secrets. The cost depends on the differences from the previous snapshot. */
  fill(snapshot: Snapshot): Promise<ResolvedSnapshot>
  close(): void
}

export type SecretsOptions = VaultTools & {
  readonly clock: Clock
  readonly settingsOf: SettingsOf
  /** Whether the settings of a plugin are valid with its secrets; otherwise it is withheld. */
  readonly accepts: (plugin: SnapshotItem<'plugins'>) => boolean
  /** Called when a secret of the last snapshot has changed. */
  readonly onChange: () => void
}

export function openSecrets({
  clock,
  settingsOf,
  accepts,
  onChange,
  ...tools
}: SecretsOptions): Secrets {
  const cache = openSecretCache(tools, clock)
  let references = noReferences
  let resolution = noResolution
  /** Number of cache changes that the resolution includes. */
  let changes = 0
  let timer: NodeJS.Timeout | undefined

  const schedule = (): void => {
    clearTimeout(timer)
    const due = cache.dueAt - clock.now()
    if (!Number.isFinite(due)) return
    timer = setTimeout(
      () => void refresh(),
      Math.min(Math.max(due, minDelayMilliseconds), maxDelayMilliseconds),
    )
    timer.unref()
  }
  const wanted = (): VaultReference[] =>
    Array.from(references.secrets.values(), ({ reference }) => reference)
  const refresh = async (): Promise<void> => {
    const before = cache.changes
    await cache.refresh(wanted())
    if (cache.changes !== before) onChange()
    schedule()
  }
  return {
    async fill(snapshot) {
      const before = references.secrets
      references = await runSliced(collectReferences(snapshot, settingsOf, references))
      const added: VaultReference[] = []
      for (const { key, before: old, after } of before.differencesTo(references.secrets)) {
        if (after === undefined) cache.drop(key)
        else if (old === undefined) added.push(after.reference)
      }
      if (clock.now() >= cache.dueAt) await cache.refresh(wanted())
      else await cache.add(added)
      schedule()
      const known = cache.changes
      const isStale = known !== changes
      const options = { lookUp: cache.get, settingsOf, accepts, isStale }
      resolution = await runSliced(replaceReferences(references, resolution, options))
      changes = known
      return resolution
    },
    close: () => clearTimeout(timer),
  }
}

const minDelayMilliseconds = 100
/** The maximum of setTimeout. */
const maxDelayMilliseconds = 2 ** 31 - 1
