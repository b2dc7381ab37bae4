import { Problem } from '../../lib/problem.ts'
import type { Exchange } from '../exchange.ts'

/** Tells clients that left from those whose connection a stopping gateway broke. */
export type Ending = {
  /** From then on it is the gateway that breaks connections. */
  beginIn(milliseconds: number): void
  /** Notes in an exchange whose connection is gone why it is. */
  note(this: void, exchange: Exchange): void
}

/** Opens an Ending. */
export function openEnding(): Ending {
  let begins = Number.POSITIVE_INFINITY
  const stopped = new Problem('gateway.stopped', 503, 'the gateway was stopped')
  return {
    beginIn(milliseconds) {
      begins = Math.min(begins, performance.now() + milliseconds)
    },
    note(exchange) {
      if (performance.now() >= begins) exchange.refuse('failed', '', stopped)
    },
  }
}
