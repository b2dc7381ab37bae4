import type { Socket } from 'node:net'

/** Tells the protocols of plain connections apart. */
export type PlainFront = {
  /** Takes over a connected socket. */
  accept(this: void, socket: Socket): void
  /** Connections that have said nothing yet. */
  readonly waiting: number
  /** Breaks them. */
  close(): void
}

/** Opens a front that looks at the first bytes of a connection and hands it on unread: HTTP/2 with prior knowledge begins with `PRI` (RFC 9113 section 3.4). One that says nothing for too long is closed. */
export function openPlainFront(
  milliseconds: number,
  onKnown: (socket: Socket, isHttp2: boolean) => void,
): PlainFront {
  const silent = new Set<Socket>()
  return {
    accept(socket) {
      const forget = (): void => void silent.delete(socket)
      const end = (): void => void socket.destroy()
      silent.add(socket)
      socket.setTimeout(milliseconds, end)
      socket.once('close', forget)
      socket.once('error', end)
      socket.once('data', (bytes: Buffer) => {
        forget()
        socket.setTimeout(0)
        socket.off('timeout', end)
        socket.off('close', forget)
        socket.off('error', end)
        socket.pause()
        socket.unshift(bytes)
        const isHttp2 = bytes.toString('latin1', 0, 3) === 'PRI'
        onKnown(socket, isHttp2)
        if (!isHttp2) socket.resume()
      })
    },
    get waiting() {
      return silent.size
    },
    close() {
      for (const socket of silent) socket.destroy()
    },
  }
}
