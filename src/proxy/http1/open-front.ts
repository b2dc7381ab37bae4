import type { Socket } from 'node:net'
import type { FrontEvents } from '../front/front-events.ts'
import type { Origin } from '../front/origin.ts'
import type { FrontLimits } from '../limits.ts'
import { readInto } from '../front/read-into.ts'
import { ClientConnection } from './client-connection.ts'

/** Serves HTTP/1.1 (RFC 9110, RFC 9112). */
export type Front = {
  /** Takes over a socket, plain or after its TLS handshake. `first` are bytes that were already read; the buffer is valid only during the call. */
  accept(this: void, socket: Socket, first?: Buffer, origin?: Origin): void
  /** Open connections. */
  readonly connections: number
  /** Closes idle connections, waits at most `milliseconds` for exchanges, then destroys the rest. */
  drain(milliseconds: number): Promise<void>
}

const sweepMilliseconds = 250

export function openFront(events: FrontEvents, limits: FrontLimits): Front {
  const connections = new Set<ClientConnection>()
  let now = performance.now()
  let isDraining = false
  const context = { events, limits, now: () => now, isDraining: () => isDraining }

  const sweep = (): void => {
    now = performance.now()
    for (const connection of connections) connection.sweep(now)
  }
  const sweeping = setInterval(sweep, Math.min(sweepMilliseconds, limits.headMilliseconds))
  sweeping.unref()

  return {
    accept(socket, first, origin) {
      const connection = new ClientConnection(socket, context, origin)
      connections.add(connection)
      socket.once('close', () => connections.delete(connection))
      readInto(socket, connection.take)
      if (first !== undefined) connection.take(first, first.length)
    },
    get connections() {
      return connections.size
    },
    async drain(milliseconds) {
      isDraining = true
      const deadline = performance.now() + milliseconds
      while (connections.size > 0 && performance.now() < deadline) {
        sweep()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      for (const connection of connections) connection.destroy()
      clearInterval(sweeping)
    },
  }
}
