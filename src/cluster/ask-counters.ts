import type { Clock } from '../lib/clock.ts'
import type { Counters, Taken, Window } from '../proxy/plugin.ts'
import type { Unused } from './counter-ledger.ts'

/** All counting that a worker wants of its supervisor in one turn of the event loop, and what it gives back of those windows. */
export type CountRequest = {
  readonly type: 'count'
  readonly id: number
  readonly asked: readonly (readonly Window[])[]
  readonly unused: readonly Unused[]
}
/** The answers, in the same order, with what is lent of each window. */
export type CountAnswer = {
  readonly type: 'counted'
  readonly id: number
  readonly taken: readonly (Taken & { readonly lent: readonly number[] })[]
}
/** Asks a worker for everything it was lent. */
export type Recall = { readonly type: 'recall' }
/** Everything a worker was lent and did not use. */
export type CountReturn = { readonly type: 'returned'; readonly unused: readonly Unused[] }

/** Counters that live with the supervisor of the node, so that all its workers share them and no worker's death forgets them. */
export type SharedCounters = Counters & {
  /** To be called with every message about counts. */
  receive(message: CountAnswer | Recall): void
}

/** What asking needs. */
export type AskingOptions = {
  readonly send: (message: CountRequest | CountReturn) => void
  readonly clock: Clock
  /** Milliseconds to wait for an answer. */
  readonly patience?: number
}

type Pending = {
  readonly windows: readonly Window[]
  readonly resolve: (taken: Taken) => void
  readonly reject: (error: Error) => void
}
type Loan = { tokens: number; count: number; readonly endsAt: number }

/** Asks for counts, one message a turn for all exchanges of it, and admits without asking for as long as what it was lent lasts. A count that follows from a loan may be too high by what is lent and unused; the verdict is exact. */
export function askCounters({ send, clock, patience = 2_000 }: AskingOptions): SharedCounters {
  const flights = new Map<number, readonly Pending[]>()
  const loans = new Map<string, Loan>()
  let pending: Pending[] = []
  let next = 0

  const giveUp = (keys: Iterable<string>): Unused[] => {
    const unused: Unused[] = []
    for (const key of keys) {
      const loan = loans.get(key)
      if (loan === undefined || !loans.delete(key)) continue
      unused.push([key, loan.tokens])
    }
    return unused
  }
  const flush = (): void => {
    const id = (next += 1)
    const flight = pending
    pending = []
    flights.set(id, flight)
    const unused = giveUp(flight.flatMap(({ windows }) => windows.map(({ key }) => key)))
    send({ type: 'count', id, asked: flight.map(({ windows }) => windows), unused })
    setTimeout(() => {
      if (!flights.delete(id)) return
      for (const { reject } of flight) reject(new Error('the supervisor did not count in time'))
    }, patience).unref()
  }
  const takeLent = (windows: readonly Window[]): Taken | undefined => {
    const held = windows.map(({ key }) => loans.get(key))
    if (!held.every((loan) => loan !== undefined && loan.tokens > 0)) return undefined
    return { admitted: true, counts: held.map((loan) => spend(loan as Loan)) }
  }

  return {
    take(windows) {
      const lent = takeLent(windows)
      if (lent !== undefined) return lent
      if (pending.length === 0) setImmediate(flush)
      return new Promise((resolve, reject) => void pending.push({ windows, resolve, reject }))
    },
    receive(message) {
      if (message.type === 'recall')
        return send({ type: 'returned', unused: giveUp([...loans.keys()]) })
      const flight = flights.get(message.id) ?? []
      flights.delete(message.id)
      forgetEnded(loans, clock.now())
      for (const [index, { windows, resolve }] of flight.entries()) {
        const taken = message.taken[index]
        if (taken === undefined) continue
        keepLoans(loans, windows, taken)
        resolve(taken)
      }
    },
  }
}

function spend(loan: Loan): number {
  loan.tokens -= 1
  loan.count += 1
  return loan.count
}

function keepLoans(
  loans: Map<string, Loan>,
  windows: readonly Window[],
  { lent, counts }: CountAnswer['taken'][number],
): void {
  for (const [index, { key, endsAt }] of windows.entries()) {
    const tokens = lent[index] ?? 0
    if (tokens === 0) continue
    const known = loans.get(key)
    if (known === undefined) loans.set(key, { tokens, count: counts[index] ?? 0, endsAt })
    else known.tokens += tokens
  }
}

/** Windows whose time is over take no more requests, so nobody asks for their tokens. */
function forgetEnded(loans: Map<string, Loan>, now: number): void {
  if (loans.size < 1024) return
  for (const [key, { endsAt }] of loans) if (endsAt <= now) loans.delete(key)
}
