import type { Clock } from '../lib/clock.ts'
import { RadixMap } from '../lib/radix-map.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { VaultTools } from './read-vault.ts'
import { openSecretCache } from './secret-cache.ts'
import {
  replaceReferences,
  collectReferences,
  type ResolvedSnapshot,
  type VaultReference,
} from './replace-references.ts'

/** Resolves vault references in snapshots and refreshes the secrets. */
export type Secrets = {
  /** Replaces the references of a snapshot by secrets. */
  fill(snapshot: Snapshot): Promise<ResolvedSnapshot>
  close(): void
}

export type SecretsOptions = VaultTools & {
  readonly clock: Clock
  /** Called when a secret of the last snapshot has changed. */
  readonly onChange: () => void
}

export function openSecrets({ clock, onChange, ...tools }: SecretsOptions): Secrets {
  const cache = openSecretCache(tools, clock)
  let wanted: readonly VaultReference[] = []
  let timer: NodeJS.Timeout | undefined

  const schedule = (): void => {
    clearTimeout(timer)
    const due = cache.dueAt(wanted) - clock.now()
    if (!Number.isFinite(due)) return
    timer = setTimeout(
      () => void refresh(),
      Math.min(Math.max(due, minDelayMilliseconds), maxDelayMilliseconds),
    )
    timer.unref()
  }
  const state = (): string => JSON.stringify(wanted.map((one) => cache.get(one)))
  const refresh = async (): Promise<void> => {
    const before = state()
    await cache.refresh(wanted)
    if (state() !== before) onChange()
    schedule()
  }
  return {
    async fill(snapshot) {
      wanted = collectReferences(snapshot)
      if (wanted.length === 0) return { snapshot, withheld: RadixMap.empty() }
      const byText = new Map(wanted.map((one) => [`${one.workspace} ${one.text}`, one]))
      await cache.refresh(wanted)
      schedule()
      return replaceReferences(snapshot, (workspace, text) => {
        const one = byText.get(`${workspace} ${text}`)
        return one === undefined ? { reason: text } : cache.get(one)
      })
    },
    close: () => clearTimeout(timer),
  }
}

const minDelayMilliseconds = 100
/** The maximum of setTimeout. */
const maxDelayMilliseconds = 2 ** 31 - 1
