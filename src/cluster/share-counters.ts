import type { Clock } from '../lib/clock.ts'
import type { CountAnswer, CountRequest, CountReturn, Recall } from './ask-counters.ts'
import { openCounterLedger, type LedgerEntry } from './counter-ledger.ts'

/** The supervisor's side of the shared counters: it counts, lends, and calls back what it lent before it refuses anybody. */
export type CounterBank = {
  receive(worker: number, message: CountRequest | CountReturn): void
  /** A worker ended, or another one took its place. */
  forget(worker: number): void
  sweep(): void
  /** Whether everybody who asked was answered. */
  readonly isQuiet: boolean
  /** All that is counted and lent. */
  list(): readonly LedgerEntry[]
}

/** What a bank is opened with. */
export type BankOptions = {
  readonly clock: Clock
  readonly tell: (worker: number, message: CountAnswer | Recall) => void
  /** Milliseconds that a worker may take to give back what it was lent; then it counts as used. */
  readonly patience?: number
  /** What another bank counted so far. */
  readonly known?: readonly LedgerEntry[]
}

type Taken = CountAnswer['taken'][number]
type Waiting = { readonly holders: Set<number>; readonly proceed: () => void }

/** Opens a bank that goes on with what is known, if anything is. */
export function openCounterBank({
  clock,
  tell,
  patience = 250,
  known = [],
}: BankOptions): CounterBank {
  const ledger = openCounterLedger(clock, known)
  const waiting = new Set<Waiting>()

  /** Answers from the given place on. Before anybody is refused, what others hold of the full windows comes back; only the last in a message is lent to, for the rest of it may still need the room. */
  const answer = (worker: number, request: CountRequest, taken: Taken[]): void => {
    const { id, asked } = request
    while (taken.length < asked.length) {
      const windows = asked[taken.length] ?? []
      const holders = ledger.holdersOfFull(windows)
      if (holders.length > 0) return recall(holders, () => answer(worker, request, taken))
      const mayLend = taken.length === asked.length - 1 && !isRecalled(worker)
      taken.push(ledger.take(windows, mayLend ? worker : undefined))
    }
    tell(worker, { type: 'counted', id, taken })
  }
  const isRecalled = (worker: number): boolean =>
    [...waiting].some(({ holders }) => holders.has(worker))

  /** A worker gave back all it had, or will never: what is left of its loans was used. */
  const settle = (worker: number): void => {
    ledger.forget(worker)
    const free = [...waiting].filter(({ holders }) => holders.delete(worker) && holders.size === 0)
    for (const wait of free) waiting.delete(wait)
    for (const { proceed } of free) proceed()
  }
  const recall = (holders: readonly number[], proceed: () => void): void => {
    waiting.add({ holders: new Set(holders), proceed })
    for (const holder of holders) {
      tell(holder, { type: 'recall' })
      setTimeout(() => isRecalled(holder) && settle(holder), patience).unref()
    }
  }

  return {
    receive(worker, message) {
      ledger.giveBack(worker, message.unused)
      if (message.type === 'returned') settle(worker)
      else answer(worker, message, [])
    },
    forget: settle,
    sweep: () => ledger.sweep(),
    get isQuiet() {
      return waiting.size === 0
    },
    list: () => ledger.list(),
  }
}
