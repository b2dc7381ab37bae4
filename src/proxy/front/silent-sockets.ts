import type { Socket } from 'node:net'

/** Connections that have not sent their first bytes yet. */
export type SilentSockets = {
  add(socket: Socket): void
  forget(socket: Socket): void
  readonly waiting: number
  /** Closes the connection that is silent longest, unless it is too new; false when there is none. */
  closeSilent(this: void): boolean
  /** Closes all of them. */
  close(this: void): void
}

/** Milliseconds in which a new connection is not closed for another one. */
const minSilence = 1_000

export function openSilentSockets(): SilentSockets {
  const silent = new Map<Socket, number>()
  return {
    add: (socket) => void silent.set(socket, performance.now()),
    forget: (socket) => void silent.delete(socket),
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
