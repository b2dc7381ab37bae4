import type { Clock } from '../lib/clock.ts'
import type { CountAnswer, CountRequest, CountReturn, Recall } from './counter-client.ts'
import { openCounterTable, type CounterRow } from './counter-table.ts'

/** The supervisor's side of the shared counters. It recalls leases before it rejects a request. */
export type CounterServer = {
  receive(worker: number, message: CountRequest | CountReturn): void
  /** The worker has ended; its leases count as used. */
  forget(worker: number): void
  sweep(): void
  /** Whether every counter request is answered. */
  readonly isIdle: boolean
  rows(): readonly CounterRow[]
}

export type CounterServerOptions = {
  readonly clock: Clock
  readonly send: (worker: number, message: CountAnswer | Recall) => void
  /** Milliseconds that a worker has to return its leases; after that they count as used. */
  readonly recallTimeout?: number
  readonly rows?: readonly CounterRow[]
}

type LeasedResult = CountAnswer['taken'][number]
type RunningRecall = { readonly holders: Set<number>; readonly proceed: () => void }

/** Opens a server that continues with `rows`. */
export function openCounterServer({
  clock,
  send,
  recallTimeout = 250,
  rows = [],
}: CounterServerOptions): CounterServer {
  const table = openCounterTable(clock, rows)
  const recalls = new Set<RunningRecall>()

  /** Answers the requests that are not in `taken` yet. Leases of full windows are recalled before anything is rejected. Only the last request of a message may lease, because the ones after it may need the room; and a worker whose leases are being recalled gets no new one, which would be forgotten together with them. */
  const answer = (worker: number, request: CountRequest, taken: LeasedResult[]): void => {
    const { id, requests } = request
    while (taken.length < requests.length) {
      const windows = requests[taken.length] ?? []
      const holders = table.leaseholdersOfFull(windows)
      if (holders.length > 0) return recall(holders, () => answer(worker, request, taken))
      const mayLease = taken.length === requests.length - 1 && !isRecalled(worker)
      taken.push(table.take(windows, mayLease ? worker : undefined))
    }
    send(worker, { type: 'counted', id, taken })
  }
  const isRecalled = (worker: number): boolean =>
    [...recalls].some(({ holders }) => holders.has(worker))

  /** The worker has returned all its leases, or has ended. */
  const settle = (worker: number): void => {
    table.forget(worker)
    const complete = [...recalls].filter(
      ({ holders }) => holders.delete(worker) && holders.size === 0,
    )
    for (const one of complete) recalls.delete(one)
    for (const { proceed } of complete) proceed()
  }
  const recall = (holders: readonly number[], proceed: () => void): void => {
    recalls.add({ holders: new Set(holders), proceed })
    for (const holder of holders) {
      send(holder, { type: 'recall' })
      setTimeout(() => isRecalled(holder) && settle(holder), recallTimeout).unref()
    }
  }

  return {
    receive(worker, message) {
      table.giveBack(worker, message.unused)
      if (message.type === 'returned') settle(worker)
      else answer(worker, message, [])
    },
    forget: settle,
    sweep: () => table.sweep(),
    get isIdle() {
      return recalls.size === 0
    },
    rows: () => table.rows(),
  }
}
