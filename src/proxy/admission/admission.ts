import { nowMicroseconds } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import type { AdmissionLimits } from '../limits.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import { FairQueue } from './fair-queue.ts'

/** What admission looks at in an exchange. */
export type Applicant = Pick<Exchange, 'startedAt' | 'onClientGone' | 'offClientGone'> & {
  readonly request: Pick<Exchange['request'], 'connection'>
}

const overloaded = 'The gateway is overloaded'
const retrying = { headers: { 'Retry-After': '1' } }

type Waiter = { readonly since: number; admit(): void; refuse(problem: Problem): void }

/** How long a request may wait while the waiting room empties now and then, in milliseconds. */
const burstPatience = 500
/** How long it may wait once the room has not been empty for that long: by then waiting helps nobody. But where most stand behind others of their own connection, it is they who are too many, and who waits alone is spared. */
const standingPatience = 20
/** A room that is empty for less than this was not empty. */
const moment = 100
/** A turn of the event loop that is longer than this on the average, in milliseconds, makes everybody wait for everybody. */
const longTurn = 25
/** What a busy loop is always given to do, so that it can show that it is busy no longer. */
const leastYoung = 32
/** Observations by which a request becomes an elder: one that streams or waits for long, and is not what keeps the loop busy. */
const generation = 10

/** Decides who goes on at once, who waits, and who is refused. Admitted are at most as many as the limit says, and fewer while the event loop is too busy;
 *  connections are served in turns. Where nothing is full a request costs it a comparison and a count when it enters, and as much when it leaves. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #now: () => number
  readonly #queue = new FairQueue<Waiter>()
  // Made once and thrown often, because a refusal must cost as little as possible.
  readonly #full = new Problem('admission.full', 503, `${overloaded}: its queue is full`, retrying)
  readonly #late = new Problem('admission.late', 503, `${overloaded}: no turn in time`, retrying)
  #inFlight = 0
  /** How many may be in flight at this moment. */
  #open: number
  /** How many that are no elders a busy loop is given; infinite while it is not busy. */
  #young = Number.POSITIVE_INFINITY
  #elders = 0
  /** Elders came before this, in microseconds since the epoch. */
  #boundary = 0
  /** Requests in flight that outlived a whole generation. */
  #settled = 0
  #observed = 0
  /** Whether somebody waits, or did until just now. */
  #isFull = false
  /** Since when somebody waits, but for moments. */
  #fullSince = 0
  /** When nobody waited any more. */
  #clearedAt = Number.NEGATIVE_INFINITY
  /** When most of those that waited last stood behind others of their own connection. */
  #crowdedAt = Number.NEGATIVE_INFINITY

  /** `now` counts milliseconds. */
  constructor(limits: AdmissionLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
    this.#open = limits.inFlight
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get waiting(): number {
    return this.#queue.size
  }

  /** How many may be in flight at this moment. */
  get open(): number {
    return this.#open
  }

  /** Lets a request in at once, or when the promise resolves; throws, or rejects with, a Problem when it cannot be served in time. Who was let in has to leave. */
  enter(applicant: Applicant): Promise<void> | undefined {
    if (this.#inFlight < this.#open) {
      this.#inFlight += 1
      return undefined
    }
    return this.#wait(applicant)
  }

  /** Gives the place of a request to the next. */
  leave({ startedAt }: Pick<Applicant, 'startedAt'>): void {
    this.#inFlight -= 1
    if (startedAt < this.#boundary) this.#elders -= 1
    if (this.#isFull) this.#serve()
  }

  /** Refuses who waited for too long; to be called every few milliseconds while anybody waits. */
  sweep(): void {
    const now = this.#now()
    const { size, behind } = this.#queue
    if (behind >= size - behind) this.#crowdedAt = now
    const isStanding = now - this.#fullSince > burstPatience
    const isCrowded = now - this.#crowdedAt < burstPatience
    const late = this.#queue.takeLate(({ since }, length) => {
      const isSpared = !isStanding || (isCrowded && length === 1)
      return now - since > (isSpared ? burstPatience : standingPatience)
    })
    for (const waiter of late) waiter.refuse(this.#late)
  }

  /** Hears how long the turns of the event loop were lately, in milliseconds; to be called ten times a second. A busy loop gets less to do until it is not. */
  observe(turn: number): void {
    this.#observed += 1
    if (this.#observed % generation === 0) {
      this.#settled = Math.max(0, this.#elders)
      this.#elders = this.#inFlight
      this.#boundary = nowMicroseconds()
    }
    if (turn > longTurn) {
      const young = Math.min(this.#young, this.#inFlight - this.#settled)
      this.#young = Math.max(leastYoung, Math.floor(young * Math.max(0.25, longTurn / turn)))
    } else this.#young = Math.floor(this.#young * 1.25) + 1
    if (this.#young >= this.#limits.inFlight) this.#young = Number.POSITIVE_INFINITY
    this.#open = Math.min(this.#limits.inFlight, this.#settled + this.#young)
    this.#serve()
  }

  #wait(applicant: Applicant): Promise<void> {
    const queue = this.#queue
    const connection = applicant.request.connection ?? applicant
    if (queue.size >= this.#limits.waiting) {
      const pushedOut = queue.makeRoom(connection)
      if (pushedOut === undefined) throw this.#full
      pushedOut.refuse(this.#full)
    }
    const since = this.#now()
    if (!this.#isFull && since - this.#clearedAt > moment) this.#fullSince = since
    this.#isFull = true
    return new Promise((resolve, reject) => {
      const settled = (): void => applicant.offClientGone(gone)
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
      applicant.onClientGone(gone)
    })
  }

  #serve(): void {
    while (this.#inFlight < this.#open) {
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
