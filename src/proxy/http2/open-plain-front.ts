import type { Socket } from 'node:net'
import type { Origin } from '../front/origin.ts'
import { readInto } from '../front/read-into.ts'
import { openSilentSockets, type SilentSockets } from '../front/silent-sockets.ts'

/** Detects the protocol of plaintext connections. */
export type PlainFront = {
  accept(this: void, socket: Socket, origin: Origin): void
  /** Connections that have not sent anything yet. */
  readonly silent: SilentSockets
}

type OnKnown = (socket: Socket, origin: Origin, isHttp2: boolean, first: Buffer) => void

/** Passes a connection on with its first bytes: HTTP/2 with prior knowledge begins with `PRI` (RFC 9113 section 3.4). A connection that sends nothing in `milliseconds` is closed. */
export function openPlainFront(milliseconds: number, onKnown: OnKnown): PlainFront {
  const silent = openSilentSockets()
  return {
    silent,
    accept(socket, origin) {
      const forget = (): void => silent.forget(socket)
      const end = (): void => void socket.destroy()
      silent.add(socket)
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
        onKnown(socket, origin, isHttp2, bytes.subarray(0, length))
      })
    },
  }
}
