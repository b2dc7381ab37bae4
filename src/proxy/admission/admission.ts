import { nowMicroseconds } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import type { RequestLimits } from '../limits.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import { FairQueue } from './fair-queue.ts'

/** The part of an exchange that admission uses. */
export type AdmissionRequest = Pick<Exchange, 'startedAt' | 'onClientGone' | 'offClientGone'> & {
  readonly request: Pick<Exchange['request'], 'connection'>
}

const overloaded = 'The gateway is overloaded'
const retrying = { headers: { 'Retry-After': '1' } }

type Waiter = { readonly since: number; admit(): void; refuse(problem: Problem): void }

/** Controlled delay (CoDel): milliseconds that a request may wait while the queue empties now and then. */
const burstPatience = 500
/** Milliseconds that a request may wait in a standing queue, one that was not empty for `burstPatience`. While most requests wait behind others of their own connection, a connection with a single request is exempt. */
const standingPatience = 20
/** A queue that is empty for less than this counts as standing. */
const moment = 100
/** Mean event-loop lag in milliseconds above which a worker may be overloaded. */
const maxLag = 50
/** Consecutive observations above `maxLag` that lower the limit: a burst, a garbage collection or one long turn clears before. */
const sustained = 5
/** Lower bound of the limit under lag; it allows recovery to be observed. */
const minLimit = 32
/** Observations after which a request counts as long-running: it streams or waits and does not cause the lag. */
const generation = 10

/**
 * Admission control: admits requests up to a limit, which is lowered while the event loop keeps lagging, queues further ones
 * fairly by connection, and refuses the rest. Below the limit a request costs a comparison and a counter on each side.
 */
export class Admission {
  readonly #config: RequestLimits
  readonly #now: () => number
  readonly #queue = new FairQueue<Waiter>()
  // Shared instances, because a refusal must be cheap under overload.
  readonly #full = new Problem(
    'admission.full',
    503,
    `${overloaded}: the request queue is full`,
    retrying,
  )
  readonly #late = new Problem(
    'admission.late',
    503,
    `${overloaded}: the request timed out in the queue`,
    retrying,
  )
  #inFlight = 0
  /** The current limit of requests in flight. */
  #limit: number
  /** The limit of requests that are not long-running; infinite without lag. */
  #shortLimit = Number.POSITIVE_INFINITY
  #longRunning = 0
  /** Requests that began before this are long-running; microseconds since the epoch. */
  #boundary = 0
  /** Requests in flight that outlived a whole generation. */
  #settled = 0
  #observed = 0
  /** Consecutive observations above `maxLag`. */
  #lagging = 0
  /** Whether the queue is, or just was, not empty. */
  #isFull = false
  /** Start of the time in which the queue was empty for moments only. */
  #fullSince = 0
  /** When the queue last became empty. */
  #clearedAt = Number.NEGATIVE_INFINITY
  /** When most requests last waited behind others of their own connection. */
  #unfairAt = Number.NEGATIVE_INFINITY

  /** `now` counts the milliseconds in which this process could run: CPU time of other processes delays requests too, but refusing requests would not recover it. */
  constructor(limits: RequestLimits, now: () => number) {
    this.#config = limits
    this.#now = now
    this.#limit = limits.inFlight
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get waiting(): number {
    return this.#queue.size
  }

  /** Current limit of requests in flight. */
  get open(): number {
    return this.#limit
  }

  /** Admits at once (undefined) or when the promise resolves; throws or rejects with a Problem. Every admitted request must call `leave`. */
  enter(entering: AdmissionRequest): Promise<void> | undefined {
    if (this.#inFlight < this.#limit) {
      this.#inFlight += 1
      return undefined
    }
    return this.#wait(entering)
  }

  leave({ startedAt }: Pick<AdmissionRequest, 'startedAt'>): void {
    this.#inFlight -= 1
    if (startedAt < this.#boundary) this.#longRunning -= 1
    if (this.#isFull) this.#serve()
  }

  /** Refuses requests that waited too long; called every few milliseconds while any waits. */
  sweep(): void {
    const now = this.#now()
    const { size, behind } = this.#queue
    if (behind >= size - behind) this.#unfairAt = now
    const isStanding = now - this.#fullSince > burstPatience
    const isUnfair = now - this.#unfairAt < burstPatience
    const late = this.#queue.removeLate(({ since }, length) => {
      const isExempt = !isStanding || (isUnfair && length === 1)
      return now - since > (isExempt ? burstPatience : standingPatience)
    })
    for (const waiter of late) waiter.refuse(this.#late)
  }

  /** Adjusts the limit to the mean event-loop lag, in milliseconds of the same clock; called ten times a second. */
  observe(lag: number): void {
    this.#observed += 1
    if (this.#observed % generation === 0) {
      this.#settled = Math.max(0, this.#longRunning)
      this.#longRunning = this.#inFlight
      this.#boundary = nowMicroseconds()
    }
    this.#lagging = lag > maxLag ? this.#lagging + 1 : 0
    if (this.#lagging >= sustained) {
      const shortLimit = Math.min(this.#shortLimit, this.#inFlight - this.#settled)
      this.#shortLimit = Math.max(minLimit, Math.floor(shortLimit * Math.max(0.25, maxLag / lag)))
    } else if (this.#lagging === 0) this.#shortLimit = Math.floor(this.#shortLimit * 1.25) + 1
    if (this.#shortLimit >= this.#config.inFlight) this.#shortLimit = Number.POSITIVE_INFINITY
    this.#limit = Math.min(this.#config.inFlight, this.#settled + this.#shortLimit)
    this.#serve()
  }

  #wait(entering: AdmissionRequest): Promise<void> {
    const queue = this.#queue
    const connection = entering.request.connection ?? entering
    if (queue.size >= this.#config.waiting) {
      const evicted = queue.evictFor(connection)
      if (evicted === undefined) throw this.#full
      evicted.refuse(this.#full)
    }
    const since = this.#now()
    if (!this.#isFull && since - this.#clearedAt > moment) this.#fullSince = since
    this.#isFull = true
    return new Promise((resolve, reject) => {
      const settled = (): void => entering.offClientGone(gone)
      const waiter: Waiter = {
        since,
        admit() {
          settled()
          resolve()
        },
        refuse(problem) {
          settled()
          reject(problem)
        },
      }
      const gone = (): void => {
        if (queue.remove(connection, waiter)) waiter.refuse(clientClosed())
      }
      queue.push(connection, waiter)
      entering.onClientGone(gone)
    })
  }

  #serve(): void {
    while (this.#inFlight < this.#limit) {
      const next = this.#queue.shift()
      if (next === undefined) {
        if (this.#isFull) this.#clearedAt = this.#now()
        this.#isFull = false
        return
      }
      this.#inFlight += 1
      next.admit()
    }
  }
}
