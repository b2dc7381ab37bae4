import { constants, type ServerHttp2Stream } from 'node:http2'
import type { FrontLimits } from '../limits.ts'
import { timedOut } from '../http1/read-message.ts'
import type { StreamBody } from './stream-body.ts'

/** Ends a stream on which nothing moves any more; to be called every now and then with the time. */
export type StreamWatch = (now: number) => void

/** Watches a stream: a body that is wanted has to go on coming, and what is sent has to be taken, each within its time as over HTTP/1.1. */
export function watchStream(
  stream: ServerHttp2Stream,
  body: StreamBody | undefined,
  limits: FrontLimits,
): StreamWatch {
  const isLate = openPatience(limits.bodyMilliseconds)
  const isStuck = openPatience(limits.writeMilliseconds)
  return (now) => {
    if (isLate(now, body?.isAwaited === true, body?.received ?? 0)) body?.fail(timedOut())
    if (isStuck(now, stream.writableNeedDrain, stream.writableLength))
      stream.close(constants.NGHTTP2_CANCEL)
  }
}

/** Says whether something that should move did not for so long. */
function openPatience(milliseconds: number) {
  let since = performance.now()
  let seen = -1
  return (now: number, shouldMove: boolean, place: number): boolean => {
    if (!shouldMove || place !== seen) since = now
    seen = place
    return now - since > milliseconds
  }
}
