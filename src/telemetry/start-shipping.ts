import { setTimeout as sleep } from 'node:timers/promises'
import { openBackoff } from '../lib/backoff.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { ClosedSegment } from './adopt-spools.ts'
import type { Spool } from './open-spool.ts'
import type { CountReport, UnrecordedCounts } from './unrecorded/open-counts.ts'

/** A batch on its way. */
export type Shipment = Pick<ClosedSegment, 'batch' | 'form'> & {
  readonly content: Buffer
  /** It may have arrived before. */
  readonly isRepeated: boolean
  /** Milliseconds since the epoch before which this worker has nothing more to send; undefined if it is unknown. */
  readonly completeUntil: number | undefined
}

export type ShippingOptions = {
  readonly spool: Spool
  /**
   * Resolves once the control plane has the batch, to the milliseconds to wait before the next one; idempotent.
   * Rejects with a Problem of status 400 if it will never accept it.
   */
  readonly send: (shipment: Shipment) => Promise<number | undefined>
  /** Events that were not recorded. */
  readonly counts?: () => UnrecordedCounts | undefined
  /** Resolves once the control plane has the counts; idempotent. */
  readonly sendCounts?: (report: CountReport) => Promise<void>
  readonly log: Log
  /** Milliseconds between two rounds, unless the control plane requests another interval. */
  readonly interval?: number
}

/** Milliseconds between two searches for the spools of processes that died. */
const adoptionInterval = 5_000

/** Sends batches, oldest first, and deletes each after its acknowledgement. `stop` sends the remaining ones, for at most `milliseconds`. */
export function startShipping({
  spool,
  send,
  counts = () => undefined,
  sendCounts = async () => undefined,
  log,
  interval: usual = 500,
}: ShippingOptions): {
  /** Milliseconds since the epoch: the control plane has every event from before; undefined while that is not known. */
  completeUntil(this: void): number | undefined
  stop(milliseconds: number): Promise<void>
} {
  const stopping = new AbortController()
  const backoff = openBackoff(200, 5_000)
  const sent = new Set<string>()
  let interval = usual
  let nextAdoption = -Infinity
  /** When the last round began to close segments. */
  let closedAt: number | undefined

  /** A segment has no event from before its id was made. */
  const completeUntil = (but?: string): number | undefined => {
    const [oldest] = spool.closed().filter(({ batch }) => batch !== but)
    return oldest === undefined ? closedAt : uuidTime(oldest.batch)
  }

  const ship = async ({ batch, form, isAdopted }: ClosedSegment): Promise<void> => {
    const content = await spool.read(batch)
    const isRepeated = isAdopted || sent.has(batch)
    sent.add(batch)
    const until = completeUntil(batch)
    interval = (await send({ batch, form, content, isRepeated, completeUntil: until })) ?? usual
    spool.remove(batch)
    sent.delete(batch)
  }

  const adopt = (): void => {
    if (performance.now() < nextAdoption) return
    nextAdoption = performance.now() + adoptionInterval
    try {
      for (const lost of spool.adopt())
        log.error('shipping: a damaged segment was cut at its last valid frame', { ...lost })
      counts()?.adopt()
    } catch (error) {
      log.error('shipping: spool of a dead process not taken over', { error })
    }
  }

  const shipCounts = async (): Promise<boolean> => {
    const kept = counts()
    try {
      for (const report of kept?.unsent() ?? []) {
        await sendCounts(report)
        kept?.sent(report)
      }
      return true
    } catch (error) {
      log.warn('shipping: counts of unrecorded events not sent', { error })
      return false
    }
  }

  const shipAll = async (): Promise<boolean> => {
    adopt()
    try {
      const now = Date.now()
      spool.rotate()
      closedAt = now
    } catch (error) {
      log.error('shipping: segment not closed', { error })
      return false
    }
    for (const segment of spool.closed()) {
      const { batch } = segment
      try {
        await ship(segment)
        backoff.reset()
      } catch (error) {
        if (!(error instanceof Problem && error.status === 400)) {
          log.warn('shipping: batch not sent, it stays in the spool', { batch, error })
          return false
        }
        spool.quarantine(batch)
        sent.delete(batch)
        log.error('shipping: batch rejected by the control plane, it is kept in the spool', {
          batch,
          error,
        })
      }
    }
    return shipCounts()
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const worked = await shipAll()
      await sleep(worked ? interval : backoff.next(), undefined, { signal: stopping.signal }).catch(
        () => undefined,
      )
    }
  }

  const running = run()
  return {
    completeUntil: () => completeUntil(),
    async stop(milliseconds) {
      stopping.abort()
      const last = running.then(shipAll)
      await Promise.race([last, sleep(milliseconds, undefined, { ref: false })])
    },
  }
}

/** The time in a UUIDv7, in milliseconds since the epoch; undefined for another id. */
function uuidTime(id: string): number | undefined {
  const [, high = '', low = ''] = /^([\da-f]{8})-([\da-f]{4})-7/.exec(id) ?? []
  return high === '' ? undefined : Number.parseInt(high + low, 16)
}
