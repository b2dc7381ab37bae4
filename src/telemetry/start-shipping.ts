import { setTimeout as sleep } from 'node:timers/promises'
import { openBackoff } from '../lib/backoff.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Spool } from './open-spool.ts'

export type ShippingOptions = {
  readonly spool: Spool
  /** Resolves once the warehouse has the batch; idempotent. Rejects with a Problem of status 400 if the warehouse will never accept it. */
  readonly send: (batch: string, lines: Buffer) => Promise<void>
  readonly log: Log
  /** Milliseconds between two rounds. */
  readonly interval?: number
}

/** Sends batches, oldest first, and deletes each after its acknowledgement. `stop` sends the remaining ones, for at most `milliseconds`. */
export function startShipping({ spool, send, log, interval = 100 }: ShippingOptions): {
  stop(milliseconds: number): Promise<void>
} {
  const stopping = new AbortController()
  const backoff = openBackoff(200, 5_000)

  const shipAll = async (): Promise<boolean> => {
    try {
      spool.adopt()
    } catch (error) {
      log.error('shipping: spool of a dead process not taken over', { error })
    }
    try {
      spool.rotate()
    } catch (error) {
      log.error('shipping: segment not closed', { error })
      return false
    }
    for (const batch of spool.closed()) {
      try {
        await send(batch, await spool.read(batch))
        spool.remove(batch)
        backoff.reset()
      } catch (error) {
        if (!(error instanceof Problem && error.status === 400)) {
          log.warn('shipping: batch not sent, it stays in the spool', { batch, error })
          return false
        }
        spool.quarantine(batch)
        log.error('shipping: batch rejected by the warehouse, it is kept in the spool', {
          batch,
          error,
        })
      }
    }
    return true
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
    async stop(milliseconds) {
      stopping.abort()
      const last = running.then(shipAll)
      await Promise.race([last, sleep(milliseconds, undefined, { ref: false })])
    },
  }
}
