import { type ServerHttp2Session, type ServerHttp2Stream, constants } from 'node:http2'
import type { Socket } from 'node:net'
import type { FrontLimits } from '../limits.ts'
import { timedOut } from '../http1/read-message.ts'
import type { StreamBody } from './stream-body.ts'

/** Ends a session whose client sends control frames without useful requests. */
export type SessionGuard = {
  /** A request head of `size` characters arrived. */
  requested(size: number): void
  /** A response was sent completely. */
  answered(): void
  /** A stream was reset before the end of its response, by either side. */
  reset(): void
  /** A DATA frame arrived. */
  received(this: void, size: number): void
  /** Checks the ratio of overhead; called periodically. */
  sweep(): void
}

/** Token bucket for pings, settings and stream resets: size, and refill per second. */
const burst = 500
const perSecond = 100
/** Tokens that a completed response adds. */
const creditPerAnswer = 4

/** gRPC clients send a ping for each part of a response to measure bandwidth; a ping after so many sent bytes costs no token. */
const bytesPerFreePing = 1_024

/** At least one of so many received bytes must be of a head or a body, beyond as many bytes as were sent and an initial allowance. */
const maxOverhead = 8
const allowance = 1_048_576

/** Protects against floods that Node does not stop: pings, settings, streams reset by either side (CVE-2023-44487, CVE-2025-8671), and frames without content (CVE-2019-9511 and related). */
export function guardSession(session: ServerHttp2Session, socket: Socket): SessionGuard {
  let credit = burst
  let paidAt = performance.now()
  let useful = 0
  let pingedAt = 0

  // Node sends the code only beside an error.
  const end = (): void =>
    session.destroy(
      new Error('too many HTTP/2 frames without requests'),
      constants.NGHTTP2_ENHANCE_YOUR_CALM,
    )
  const sweep = (): void => {
    if (socket.bytesRead > useful * maxOverhead + socket.bytesWritten + allowance) end()
  }
  const spend = (): void => {
    const now = performance.now()
    credit = Math.min(burst, credit + ((now - paidAt) * perSecond) / 1_000) - 1
    paidAt = now
    if (credit < 0 && !session.destroyed) end()
  }
  session.on('ping', () => {
    const isFree = socket.bytesWritten - pingedAt > bytesPerFreePing
    pingedAt = socket.bytesWritten
    if (!isFree) spend()
  })
  session.on('remoteSettings', spend)
  return {
    requested(size) {
      useful += size
    },
    answered() {
      credit += creditPerAnswer
    },
    reset: spend,
    received(size) {
      useful += size
    },
    sweep,
  }
}

/** Called periodically with the current time. */
export type StreamWatch = (now: number) => void

/** Applies the body and write timeouts to a stream, as over HTTP/1.1. */
export function watchStream(
  stream: ServerHttp2Stream,
  body: StreamBody | undefined,
  limits: FrontLimits,
): StreamWatch {
  const isLate = openStallDetector(limits.bodyMilliseconds)
  const isStuck = openStallDetector(limits.writeMilliseconds)
  return (now) => {
    if (isLate(now, body?.isAwaited === true, body?.received ?? 0)) body?.fail(timedOut())
    if (isStuck(now, stream.writableNeedDrain, stream.writableLength))
      stream.close(constants.NGHTTP2_CANCEL)
  }
}

/** Whether `place` has not changed for too long although it should. */
function openStallDetector(milliseconds: number) {
  let since = performance.now()
  let seen = -1
  return (now: number, shouldMove: boolean, place: number): boolean => {
    if (!shouldMove || place !== seen) since = now
    seen = place
    return now - since > milliseconds
  }
}
