import type { UpstreamClient } from '../walk/ask-upstream.ts'
import { openSessionPools } from './open-session-pools.ts'
import { sendStream } from './send-stream.ts'

/** Speaks HTTP/2 to targets: each try is a stream of a session that tries share. */
export function openHttp2Client(): UpstreamClient {
  const pools = openSessionPools()
  return {
    async send(attempt) {
      const kept = await pools.take(attempt)
      kept.streams += 1
      kept.session.ref()
      return sendStream(kept.session, attempt, () => {
        kept.streams -= 1
        if (kept.streams === 0 && !kept.session.destroyed) kept.session.unref()
      })
    },
    keepOnly: pools.keepOnly,
    close() {
      pools.close()
      return Promise.resolve()
    },
  }
}
