import type { Clock } from '../lib/clock.ts'
import type { Counters, CounterResult, Window } from '../proxy/plugin.ts'
import type { UnusedTokens } from './counter-table.ts'

// These four messages also travel between the supervisors of two program versions during an upgrade (./counter-upgrade.ts).

/** Counts everything that the requests of one turn of the event loop need, and returns the unused tokens of those windows. */
export type CountRequest = {
  readonly type: 'count'
  readonly id: number
  readonly requests: readonly (readonly Window[])[]
  readonly unused: readonly UnusedTokens[]
}
/** One answer for each of `requests`; `leased` holds the tokens leased in each window. */
export type CountAnswer = {
  readonly type: 'counted'
  readonly id: number
  readonly taken: readonly (CounterResult & { readonly leased: readonly number[] })[]
}
/** Asks a worker to return all its leases. */
export type Recall = { readonly type: 'recall' }
/** The unused tokens of all leases of a worker. */
export type CountReturn = { readonly type: 'returned'; readonly unused: readonly UnusedTokens[] }

/** Counters kept by the supervisor: all workers of a node share them, and they survive the death of a worker. */
export type CounterClient = Counters & {
  /** Called with every message about counters. */
  receive(message: CountAnswer | Recall): void
}

export type CounterClientOptions = {
  readonly send: (message: CountRequest | CountReturn) => void
  readonly clock: Clock
  /** Milliseconds to wait for an answer. */
  readonly timeout?: number
}

type Pending = {
  readonly windows: readonly Window[]
  readonly resolve: (taken: CounterResult) => void
  readonly reject: (error: Error) => void
}
type Lease = { tokens: number; count: number; readonly endsAt: number }

/** Sends one counter request per turn of the event loop, and admits without one while its leases have tokens. The verdict is exact; a count that comes from a lease may be too high by the unused tokens of all leases. */
export function openCounterClient({
  send,
  clock,
  timeout = 2_000,
}: CounterClientOptions): CounterClient {
  const inFlight = new Map<number, readonly Pending[]>()
  const leases = new Map<string, Lease>()
  let pending: Pending[] = []
  let lastId = 0

  const endLeases = (keys: Iterable<string>): UnusedTokens[] => {
    const unused: UnusedTokens[] = []
    for (const key of keys) {
      const lease = leases.get(key)
      if (lease === undefined || !leases.delete(key)) continue
      unused.push([key, lease.tokens])
    }
    return unused
  }
  const flush = (): void => {
    const id = (lastId += 1)
    const batch = pending
    pending = []
    inFlight.set(id, batch)
    const unused = endLeases(batch.flatMap(({ windows }) => windows.map(({ key }) => key)))
    send({ type: 'count', id, requests: batch.map(({ windows }) => windows), unused })
    setTimeout(() => {
      if (!inFlight.delete(id)) return
      for (const { reject } of batch)
        reject(new Error(`counter request not answered within ${timeout} ms`))
    }, timeout).unref()
  }
  const takeLeased = (windows: readonly Window[]): CounterResult | undefined => {
    const held: Lease[] = []
    for (const { key } of windows) {
      const lease = leases.get(key)
      if (lease === undefined || lease.tokens === 0) return undefined
      held.push(lease)
    }
    return { admitted: true, counts: held.map(spend) }
  }

  return {
    take(windows) {
      const leased = takeLeased(windows)
      if (leased !== undefined) return leased
      if (pending.length === 0) setImmediate(flush)
      return new Promise((resolve, reject) => void pending.push({ windows, resolve, reject }))
    },
    receive(message) {
      if (message.type === 'recall')
        return send({ type: 'returned', unused: endLeases([...leases.keys()]) })
      const batch = inFlight.get(message.id) ?? []
      inFlight.delete(message.id)
      forgetEnded(leases, clock.now())
      for (const [index, { windows, resolve }] of batch.entries()) {
        const taken = message.taken[index]
        if (taken === undefined) continue
        keepLeases(leases, windows, taken)
        resolve(taken)
      }
    },
  }
}

function spend(lease: Lease): number {
  lease.tokens -= 1
  lease.count += 1
  return lease.count
}

function keepLeases(
  leases: Map<string, Lease>,
  windows: readonly Window[],
  { leased, counts }: CountAnswer['taken'][number],
): void {
  for (const [index, { key, endsAt }] of windows.entries()) {
    const tokens = leased[index] ?? 0
    if (tokens === 0) continue
    const known = leases.get(key)
    if (known === undefined) leases.set(key, { tokens, count: counts[index] ?? 0, endsAt })
    else known.tokens += tokens
  }
}

/** Tokens of an ended window are useless. The scan is worth its cost only for many leases. */
function forgetEnded(leases: Map<string, Lease>, now: number): void {
  if (leases.size < 1024) return
  for (const [key, { endsAt }] of leases) if (endsAt <= now) leases.delete(key)
}
