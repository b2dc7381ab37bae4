import type { Clock } from '../lib/clock.ts'
import type { Taken, Window } from '../proxy/plugin.ts'

/** The counts of all windows that a node has open. */
export type CounterLedger = {
  /** Counts a request in all windows when none of them is full, else in none. */
  take(windows: readonly Window[]): Taken
  /** Forgets windows that ended. */
  sweep(): void
  readonly size: number
}

/** Opens an empty ledger. */
export function openCounterLedger(clock: Clock): CounterLedger {
  const counts = new Map<string, { count: number; readonly endsAt: number }>()
  return {
    take(windows) {
      const entries = windows.map(({ key, endsAt }) => {
        const known = counts.get(key) ?? { count: 0, endsAt }
        counts.set(key, known)
        return known
      })
      const admitted = entries.every((entry, index) => entry.count < (windows[index]?.limit ?? 0))
      if (admitted) for (const entry of entries) entry.count += 1
      return { admitted, counts: entries.map(({ count }) => count) }
    },
    sweep() {
      const now = clock.now()
      for (const [key, { endsAt }] of counts) if (endsAt <= now) counts.delete(key)
    },
    get size() {
      return counts.size
    },
  }
}
