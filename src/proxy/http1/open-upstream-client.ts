import type { UpstreamClient } from '../walk/ask-upstream.ts'
import { openPools } from './open-pools.ts'
import { switchProtocol } from './switch-protocol.ts'

const sweepMilliseconds = 25

/** Speaks HTTP/1.1 to targets. Time limits are looked at every 25 milliseconds, which is how exact they are. */
export function openUpstreamClient(): UpstreamClient {
  let now = performance.now()
  const pools = openPools(() => now)
  const sweeping = setInterval(() => {
    now = performance.now()
    pools.sweep(now)
  }, sweepMilliseconds)
  sweeping.unref()

  return {
    send(attempt) {
      if (attempt.upgrade !== '') return switchProtocol(attempt)
      return new Promise((resolve, reject) =>
        pools.take(attempt).send(attempt, { resolve, reject }),
      )
    },
    keepOnly: pools.keepOnly,
    close() {
      clearInterval(sweeping)
      pools.close()
      return Promise.resolve()
    },
  }
}
