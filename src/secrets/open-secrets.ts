import type { Clock } from '../lib/clock.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { VaultTools } from './read-vault.ts'
import { openSecretCache } from './secret-cache.ts'
import {
  replaceReferences,
  collectReferences,
  type ResolvedSnapshot,
  type VaultReference,
} from './replace-references.ts'

/** Puts the secrets of vaults into snapshots, and notices when they change. */
export type Secrets = {
  /** The snapshot with secrets in the place of references. */
  fill(snapshot: Snapshot): Promise<ResolvedSnapshot>
  close(): void
}

/** What secrets are opened with. */
export type SecretsOptions = VaultTools & {
  readonly clock: Clock
  /** Called when a secret of the last snapshot is another one by now. */
  readonly onChange: () => void
}

/** Opens the vaults of a node. */
export function openSecrets({ clock, onChange, ...tools }: SecretsOptions): Secrets {
  const cache = openSecretCache(tools, clock)
  let wanted: readonly VaultReference[] = []
  let timer: NodeJS.Timeout | undefined

  const schedule = (): void => {
    clearTimeout(timer)
    const due = cache.dueAt(wanted) - clock.now()
    if (!Number.isFinite(due)) return
    timer = setTimeout(() => void again(), Math.min(Math.max(due, soonest), latest))
    timer.unref()
  }
  const state = (): string => JSON.stringify(wanted.map((one) => cache.have(one)))
  const again = async (): Promise<void> => {
    const before = state()
    await cache.refresh(wanted)
    if (state() !== before) onChange()
    schedule()
  }
  return {
    async fill(snapshot) {
      wanted = collectReferences(snapshot)
      if (wanted.length === 0) return { snapshot, withheld: new Map() }
      const byText = new Map(wanted.map((one) => [`${one.workspace} ${one.text}`, one]))
      await cache.refresh(wanted)
      schedule()
      return replaceReferences(snapshot, (workspace, text) => {
        const one = byText.get(`${workspace} ${text}`)
        return one === undefined ? { reason: text } : cache.have(one)
      })
    },
    close: () => clearTimeout(timer),
  }
}

const soonest = 100
/** A timer takes no more. */
const latest = 2 ** 31 - 1
