import { clientClosed, type Exchange } from '../../proxy/exchange.ts'
import type { CounterResult } from '../../proxy/plugin.ts'
import type { Settings } from './settings.ts'

/** Requests that wait until a limit admits them. */
export type ThrottlingQueue = {
  /** Tries again after each interval, and resolves with the last result; undefined when the queue is full. Rejects when the client leaves. */
  retry(
    exchange: Exchange,
    take: () => CounterResult | Promise<CounterResult>,
  ): Promise<CounterResult | undefined>
}

/** Opens a queue for Kong's setting `throttling`; undefined unless it is enabled. */
export function openQueue(throttling: Settings['throttling']): ThrottlingQueue | undefined {
  if (throttling?.enabled !== true) return undefined
  const { interval, queue_limit: limit, retry_times: times } = throttling
  let waiting = 0
  return {
    async retry(exchange, take) {
      if (waiting >= limit) return undefined
      waiting += 1
      try {
        let taken: CounterResult | undefined
        for (let time = 0; time < times && taken?.admitted !== true; time += 1) {
          await pause(exchange, interval * 1000)
          taken = await take()
        }
        return taken
      } finally {
        waiting -= 1
      }
    },
  }
}

/** Waits; rejects when the client leaves meanwhile. */
function pause(exchange: Exchange, milliseconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => {
      clearTimeout(timer)
      reject(clientClosed())
    }
    const timer = setTimeout(() => {
      exchange.offClientGone(gone)
      resolve()
    }, milliseconds)
    exchange.onClientGone(gone)
  })
}
