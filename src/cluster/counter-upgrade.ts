import type { CountAnswer, CountRequest, CountReturn, Recall } from './counter-client.ts'
import {
  openCounterServer,
  type CounterServer,
  type CounterServerOptions,
} from './counter-server.ts'
import type { CounterRow } from './counter-table.ts'

// During an upgrade the workers of two supervisors serve side by side. The predecessor counts for both until it ends.

/** A counter message of a successor's worker, forwarded to the predecessor; `number` grows by one with each. */
export type ForwardedRequest = {
  readonly number: number
  readonly worker: number
  /** Absent when the worker has ended. */
  readonly message?: CountRequest | CountReturn
}

/** A counter server that forwards until it gets the predecessor's rows, and counts locally from then on. */
export type SuccessorCounters = CounterServer & {
  /** Passes on what the predecessor sends to a worker; it has handled all requests up to `handled`. */
  deliver(worker: number, message: CountAnswer | Recall, handled: number): void
  /** Counts from now on; the predecessor has not handled the requests after `handled`. */
  takeOver(rows: readonly CounterRow[], handled: number): void
}

/** Opens the successor's side. Nothing is counted by both sides, and nothing by neither. */
export function openSuccessorCounters(
  options: CounterServerOptions,
  forward: (request: ForwardedRequest) => void,
): SuccessorCounters {
  let unhandled: ForwardedRequest[] = []
  let lastNumber = 0
  let own: CounterServer | undefined

  const send = (request: Omit<ForwardedRequest, 'number'>): void => {
    const numbered = { ...request, number: (lastNumber += 1) }
    unhandled.push(numbered)
    forward(numbered)
  }
  const dropHandled = (handled: number): void => {
    unhandled = unhandled.filter(({ number }) => number > handled)
  }
  return {
    receive(worker, message) {
      if (own === undefined) send({ worker, message })
      else own.receive(worker, message)
    },
    forget(worker) {
      if (own === undefined) send({ worker })
      else own.forget(worker)
    },
    sweep: () => own?.sweep(),
    get isIdle() {
      return own?.isIdle ?? unhandled.length === 0
    },
    rows: () => own?.rows() ?? [],
    deliver(worker, message, handled) {
      dropHandled(handled)
      options.send(worker, message)
    },
    takeOver(rows, handled) {
      if (own !== undefined) return
      dropHandled(handled)
      own = openCounterServer({ ...options, rows })
      for (const { worker, message } of unhandled) {
        if (message === undefined) own.forget(worker)
        else own.receive(worker, message)
      }
      unhandled = []
    },
  }
}

/** The predecessor's side: counts for the successor's workers in `server`; `report` passes on what the server sends to them. */
export function openPredecessorCounters(
  server: CounterServer,
  report: (worker: number, message: CountAnswer | Recall, handled: number) => void,
) {
  const workers = new Set<number>()
  let handled = 0
  return {
    isSuccessors: (worker: number) => worker >= offset,
    /** Passes on a message to a worker of the successor. */
    deliver: (worker: number, message: CountAnswer | Recall) =>
      report(worker - offset, message, handled),
    handle({ number, worker, message }: ForwardedRequest): void {
      handled = number
      workers.add(worker + offset)
      if (message === undefined) server.forget(worker + offset)
      else server.receive(worker + offset, message)
    },
    /** The rows that the successor continues with. The leases of the predecessor's own workers count as used. */
    close: () => ({
      handled,
      rows: server
        .rows()
        .map(([key, count, endsAt, leases]): CounterRow => [
          key,
          count,
          endsAt,
          leases.flatMap(([worker, tokens]) =>
            worker < offset ? [] : [[worker - offset, tokens]],
          ),
        ]),
    }),
    /** The successor has ended, and its workers with it. */
    abandon(): void {
      for (const worker of workers) server.forget(worker)
    },
  }
}

/** Keeps the successor's worker numbers apart from the predecessor's; beyond every number that one supervisor gives. */
const offset = 2 ** 32
