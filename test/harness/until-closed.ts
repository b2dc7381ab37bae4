import type { Duplex } from 'node:stream'

/** Waits until a socket is closed, also by a reset. `once(socket, 'close')` rejects when an error comes before. */
export const untilClosed = (socket: Duplex): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) return resolve()
    socket.on('error', () => undefined).once('close', () => resolve())
  })
