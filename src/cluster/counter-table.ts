import type { Clock } from '../lib/clock.ts'
import type { CounterResult, Window } from '../proxy/plugin.ts'

/** Unused tokens of a worker's lease. */
export type UnusedTokens = readonly [key: string, tokens: number]

/** A window: its count, its end, and the tokens leased to each worker. */
export type CounterRow = readonly [
  key: string,
  count: number,
  endsAt: number,
  leases: readonly (readonly [worker: number, tokens: number])[],
]

/** The counts of all open windows of a node. A window with much room leases tokens to a worker, so that not every request of the worker needs a counter request; leased tokens count as used until they are returned. */
export type CounterTable = {
  /** Counts a request in all windows when none of them is full, else in those that count refused requests; `leased` holds the tokens leased to the worker in each. Without a worker nothing is leased. */
  take(
    windows: readonly Window[],
    worker?: number,
  ): CounterResult & { readonly leased: readonly number[] }
  /** Ends leases of a worker and takes back their unused tokens. */
  giveBack(worker: number, unused: readonly UnusedTokens[]): void
  /** Workers with a lease in one of these windows that is full. */
  leaseholdersOfFull(windows: readonly Window[]): readonly number[]
  /** Ends all leases of a worker that cannot return them; their tokens stay counted, because how many it used is not known. */
  forget(worker: number): void
  /** Removes windows that have ended. */
  sweep(): void
  rows(): readonly CounterRow[]
  readonly size: number
}

/** A lease is at most this part of the room in its window, so that a window with little room leases nothing. */
const leaseDivisor = 64
const maxLease = 256

type Counter = { count: number; readonly endsAt: number; readonly leases: Map<number, number> }

/** Opens a table with these rows, or an empty one. */
export function openCounterTable(clock: Clock, rows: readonly CounterRow[] = []): CounterTable {
  const counters = new Map<string, Counter>(
    rows.map(([key, count, endsAt, leases]) => [key, { count, endsAt, leases: new Map(leases) }]),
  )
  const counterOf = ({ key, endsAt }: Window): Counter => {
    const known = counters.get(key) ?? { count: 0, endsAt, leases: new Map() }
    counters.set(key, known)
    return known
  }
  /** Weighted count of the window before a sliding one. */
  const carried = ({ previous }: Window): number =>
    previous === undefined
      ? 0
      : Math.ceil((counters.get(previous.key)?.count ?? 0) * previous.weight)
  const lease = (counter: Counter, limit: number, worker: number | undefined): number => {
    if (worker === undefined) return 0
    const tokens = Math.min(maxLease, Math.floor((limit - counter.count) / leaseDivisor))
    if (tokens < 1) return 0
    counter.count += tokens
    counter.leases.set(worker, (counter.leases.get(worker) ?? 0) + tokens)
    return tokens
  }
  return {
    take(windows, worker) {
      const taken = windows.map((window) => {
        const before = carried(window)
        return { window, counter: counterOf(window), before, limit: window.limit - before }
      })
      const admitted = taken.every(({ counter, limit }) => counter.count < limit)
      for (const { counter, window } of taken)
        if (admitted || window.countsRefused === true) counter.count += window.cost ?? 1
      const counts = taken.map(({ counter, before }) => counter.count + before)
      const leased = taken.map(({ window, counter, limit }) =>
        admitted && window.cost === undefined ? lease(counter, limit, worker) : 0,
      )
      return { admitted, counts, leased }
    },
    giveBack(worker, unused) {
      for (const [key, tokens] of unused) {
        const counter = counters.get(key)
        if (counter === undefined) continue
        counter.count -= Math.min(tokens, counter.leases.get(worker) ?? 0)
        counter.leases.delete(worker)
      }
    },
    leaseholdersOfFull(windows) {
      const holders = windows.flatMap((window) => {
        const counter = counters.get(window.key)
        return counter === undefined || counter.count < window.limit - carried(window)
          ? []
          : [...counter.leases.keys()]
      })
      return [...new Set(holders)]
    },
    forget(worker) {
      for (const { leases } of counters.values()) leases.delete(worker)
    },
    sweep() {
      const now = clock.now()
      for (const [key, { endsAt }] of counters) if (endsAt <= now) counters.delete(key)
    },
    rows: () =>
      [...counters].map(([key, { count, endsAt, leases }]) => [key, count, endsAt, [...leases]]),
    get size() {
      return counters.size
    },
  }
}
