import { constants, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** Ends a session whose client keeps us busy without wanting anything. */
export type SessionGuard = {
  /** The head of a request came, so many characters long. */
  requested(size: number): void
  /** A request was answered whole. */
  answered(): void
  /** A stream ended before its answer did, whoever ended it. */
  brokeOff(): void
  /** A part of a body came. */
  received(this: void, size: number): void
  /** Looks at what came all in all; called every now and then. */
  sweep(): void
}

/** How many frames without purpose (pings, settings, streams that break off) a client may send at once, and in each second more. */
const burst = 500
const perSecond = 100
/** One answered request makes up for so many of them. */
const amends = 4

/** Clients of gRPC measure the line with a ping for each part of an answer; such a ping, after so many bytes that we sent, is free. */
const freeAfter = 1_024

/** Of what came, at least one byte in so many has to be of a head or a body, beyond as much as we sent and so many bytes to begin with. */
const leastShare = 8
const allowance = 1_048_576

/** Guards a session against floods that the library lets through: of pings, of settings, of streams that either side resets (CVE-2023-44487, CVE-2025-8671), and of whatever frames that carry nothing (CVE-2019-9511 and those after it). */
export function guardSession(session: ServerHttp2Session, socket: Socket): SessionGuard {
  let credit = burst
  let paidAt = performance.now()
  let useful = 0
  let pingedAt = 0

  const end = (): void => session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM)
  const sweep = (): void => {
    if (socket.bytesRead > useful * leastShare + socket.bytesWritten + allowance) end()
  }
  const spend = (): void => {
    const now = performance.now()
    credit = Math.min(burst, credit + ((now - paidAt) * perSecond) / 1_000) - 1
    paidAt = now
    if (credit < 0 && !session.destroyed) end()
  }
  session.on('ping', () => {
    const isFree = socket.bytesWritten - pingedAt > freeAfter
    pingedAt = socket.bytesWritten
    if (!isFree) spend()
  })
  session.on('remoteSettings', spend)
  return {
    requested(size) {
      useful += size
    },
    answered() {
      credit += amends
    },
    brokeOff: spend,
    received(size) {
      useful += size
    },
    sweep,
  }
}
