import { type ServerHttp2Session, type ServerHttp2Stream, constants } from 'node:http2'
import type { Socket } from 'node:net'
import type { FrontLimits } from '../front-limits.ts'
import { timedOut } from '../http1/read-message.ts'
import type { StreamBody } from './stream-body.ts'

/** Ends a session whose client keeps us busy without wanting anything. */
export type SessionGuard = {
  /** The head of a request came, so many characters long. */
  requested(size: number): void
  /** A request was answered whole. */
  answered(): void
  /** A stream ended before its answer did, whoever ended it. */
  reset(): void
  /** A part of a body came. */
  received(this: void, size: number): void
  /** Looks at what came all in all; called every now and then. */
  sweep(): void
}

/** How many frames without purpose (pings, settings, streams that break off) a client may send at once, and in each second more. */
const burst = 500
const perSecond = 100
/** One answered request makes up for so many of them. */
const creditPerAnswer = 4

/** Clients of gRPC measure the line with a ping for each part of an answer; such a ping, after so many bytes that we sent, is free. */
const bytesPerFreePing = 1_024

/** Of what came, at least one byte in so many has to be of a head or a body, beyond as much as we sent and so many bytes to begin with. */
const maxOverhead = 8
const allowance = 1_048_576

/** Guards a session against floods that the library lets through: of pings, of settings, of streams that either side resets (CVE-2023-44487, CVE-2025-8671), and of whatever frames that carry nothing (CVE-2019-9511 and those after it). */
export function guardSession(session: ServerHttp2Session, socket: Socket): SessionGuard {
  let credit = burst
  let paidAt = performance.now()
  let useful = 0
  let pingedAt = 0

  const end = (): void => session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM)
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

/** Ends a stream on which nothing moves any more; to be called every now and then with the time. */
export type StreamWatch = (now: number) => void

/** Watches a stream: a body that is wanted has to go on coming, and what is sent has to be taken, each within its time as over HTTP/1.1. */
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

/** Says whether something that should move did not for so long. */
function openStallDetector(milliseconds: number) {
  let since = performance.now()
  let seen = -1
  return (now: number, shouldMove: boolean, place: number): boolean => {
    if (!shouldMove || place !== seen) since = now
    seen = place
    return now - since > milliseconds
  }
}
