import type { Clock } from '../lib/clock.ts'
import type { Taken, Window } from '../proxy/plugin.ts'

/** Tokens of a window that a worker was lent and did not use. */
export type Unused = readonly [key: string, tokens: number]

/** What a ledger knows of one window: its count, its end, and who was lent how much of it. */
export type LedgerEntry = readonly [
  key: string,
  count: number,
  endsAt: number,
  lent: readonly (readonly [worker: number, tokens: number])[],
]

/** The counts of all windows that a node has open. Where a window has much room, a worker is lent tokens of it, which are counted at once, so that it need not ask for every request. */
export type CounterLedger = {
  /** Counts a request in all windows when none of them is full, else in none; `lent` says how many more the worker may admit in each without asking. */
  take(windows: readonly Window[], worker?: number): Taken & { readonly lent: readonly number[] }
  /** Takes back what a worker was lent. */
  giveBack(worker: number, unused: readonly Unused[]): void
  /** Workers that hold tokens of those windows that are full. */
  holdersOfFull(windows: readonly Window[]): readonly number[]
  /** A worker is gone: what it was lent counts as used, for nobody knows better. */
  forget(worker: number): void
  /** Forgets windows that ended. */
  sweep(): void
  /** All that is counted, for a ledger that goes on with it. */
  list(): readonly LedgerEntry[]
  readonly size: number
}

/** Of the room in a window one part in this many is lent at once, so that a window without much room lends nothing. */
const cautious = 64
const mostLent = 256

type Entry = { count: number; readonly endsAt: number; readonly lent: Map<number, number> }

/** Opens a ledger that goes on with `known`, or an empty one. */
export function openCounterLedger(clock: Clock, known: readonly LedgerEntry[] = []): CounterLedger {
  const entries = new Map<string, Entry>(
    known.map(([key, count, endsAt, lent]) => [key, { count, endsAt, lent: new Map(lent) }]),
  )
  const entryOf = ({ key, endsAt }: Window): Entry => {
    const known = entries.get(key) ?? { count: 0, endsAt, lent: new Map() }
    entries.set(key, known)
    return known
  }
  const lend = (entry: Entry, limit: number, worker: number | undefined): number => {
    const tokens =
      worker === undefined ? 0 : Math.min(mostLent, Math.floor((limit - entry.count) / cautious))
    if (worker === undefined || tokens < 1) return 0
    entry.count += tokens
    entry.lent.set(worker, (entry.lent.get(worker) ?? 0) + tokens)
    return tokens
  }
  return {
    take(windows, worker) {
      const taken = windows.map((window) => ({ entry: entryOf(window), limit: window.limit }))
      const admitted = taken.every(({ entry, limit }) => entry.count < limit)
      if (admitted) for (const { entry } of taken) entry.count += 1
      const counts = taken.map(({ entry }) => entry.count)
      const lent = taken.map(({ entry, limit }) => (admitted ? lend(entry, limit, worker) : 0))
      return { admitted, counts, lent }
    },
    giveBack(worker, unused) {
      for (const [key, tokens] of unused) {
        const entry = entries.get(key)
        if (entry === undefined) continue
        entry.count -= Math.min(tokens, entry.lent.get(worker) ?? 0)
        entry.lent.delete(worker)
      }
    },
    holdersOfFull(windows) {
      const holders = windows.flatMap((window) => {
        const entry = entries.get(window.key)
        return entry === undefined || entry.count < window.limit ? [] : [...entry.lent.keys()]
      })
      return [...new Set(holders)]
    },
    forget(worker) {
      for (const { lent } of entries.values()) lent.delete(worker)
    },
    sweep() {
      const now = clock.now()
      for (const [key, { endsAt }] of entries) if (endsAt <= now) entries.delete(key)
    },
    list: () =>
      [...entries].map(([key, { count, endsAt, lent }]) => [key, count, endsAt, [...lent]]),
    get size() {
      return entries.size
    },
  }
}
