import type { Counters, Taken, Window } from '../proxy/plugin.ts'

/** All counting that a worker wants of its supervisor in one turn of the event loop, and the answer to it. */
export type CountRequest = {
  readonly type: 'count'
  readonly id: number
  readonly asked: readonly (readonly Window[])[]
}
export type CountAnswer = {
  readonly type: 'counted'
  readonly id: number
  readonly taken: readonly Taken[]
}

/** Counters that live with the supervisor of the node, so that all its workers share them and no worker's death forgets them. */
export type SharedCounters = Counters & {
  /** To be called with every answer. */
  settle(answer: CountAnswer): void
}

type Pending = { readonly resolve: (taken: Taken) => void; readonly reject: (error: Error) => void }

/** Asks for counts over `send`, one message a turn for all exchanges of it; gives up after `patience` milliseconds. */
export function askCounters(
  send: (request: CountRequest) => void,
  patience = 2_000,
): SharedCounters {
  const flights = new Map<number, readonly Pending[]>()
  let asked: (readonly Window[])[] = []
  let pending: Pending[] = []
  let next = 0

  const flush = (): void => {
    const id = (next += 1)
    const flight = pending
    flights.set(id, flight)
    send({ type: 'count', id, asked })
    asked = []
    pending = []
    setTimeout(() => {
      if (!flights.delete(id)) return
      for (const { reject } of flight) reject(new Error('the supervisor did not count in time'))
    }, patience).unref()
  }

  return {
    take(windows) {
      if (asked.length === 0) setImmediate(flush)
      asked.push(windows)
      return new Promise((resolve, reject) => void pending.push({ resolve, reject }))
    },
    settle({ id, taken }) {
      const flight = flights.get(id)
      flights.delete(id)
      for (const [index, { resolve }] of (flight ?? []).entries()) resolve(taken[index] as Taken)
    },
  }
}
