import type { Socket } from 'node:net'
import { readInto } from '../front/read-into.ts'

/** Detects the protocol of plaintext connections. */
export type PlainFront = {
  accept(this: void, socket: Socket): void
  /** Connections that have not sent anything yet. */
  readonly waiting: number
  /** Closes the connection that is silent longest, unless it is too new; false when there is none. */
  closeSilent(this: void): boolean
  /** Closes all silent connections. */
  close(this: void): void
}

/** Milliseconds in which a new connection is not closed for another one. */
const minSilence = 1_000

/** Passes a connection on with its first bytes: HTTP/2 with prior knowledge begins with `PRI` (RFC 9113 section 3.4). A connection that sends nothing in `milliseconds` is closed. */
export function openPlainFront(
  milliseconds: number,
  onKnown: (socket: Socket, isHttp2: boolean, first: Buffer) => void,
): PlainFront {
  const silent = new Map<Socket, number>()
  return {
    accept(socket) {
      const forget = (): void => void silent.delete(socket)
      const end = (): void => void socket.destroy()
      silent.set(socket, performance.now())
      socket.setTimeout(milliseconds, end)
      socket.once('close', forget)
      socket.once('error', end)
      readInto(socket, (bytes, length) => {
        forget()
        socket.setTimeout(0)
        socket.off('timeout', end)
        socket.off('close', forget)
        socket.off('error', end)
        const isHttp2 = bytes.toString('latin1', 0, Math.min(length, 3)) === 'PRI'
        onKnown(socket, isHttp2, bytes.subarray(0, length))
      })
    },
    get waiting() {
      return silent.size
    },
    closeSilent() {
      const [oldest] = silent
      if (oldest === undefined || performance.now() - oldest[1] < minSilence) return false
      silent.delete(oldest[0])
      oldest[0].destroy()
      return true
    },
    close() {
      for (const socket of silent.keys()) socket.destroy()
    },
  }
}
