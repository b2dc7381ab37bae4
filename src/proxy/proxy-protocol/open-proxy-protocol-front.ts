import type { Socket } from 'node:net'
import { guardHandler } from '../front/guard-handler.ts'
import type { Endpoint } from '../front/origin.ts'
import { openSilentSockets, type SilentSockets } from '../front/silent-sockets.ts'
import { readProxyHeader } from './read-proxy-header.ts'

/** Reads the PROXY header of connections. */
export type ProxyProtocolFront = {
  /** Calls back with the source in the header, and leaves what follows the header in the socket. */
  accept(this: void, socket: Socket, onHeader: (source: Endpoint | undefined) => void): void
  /** Connections whose header is not complete. */
  readonly silent: SilentSockets
}

/** A connection without a well-formed header within `milliseconds` is closed. */
export function openProxyProtocolFront(
  milliseconds: number,
  onFault: (error: unknown) => void,
): ProxyProtocolFront {
  const silent = openSilentSockets()
  return {
    silent,
    accept(socket, onHeader) {
      let bytes: Buffer = Buffer.alloc(0)
      const end = (): void => void socket.destroy()
      const late = setTimeout(end, milliseconds)
      const forget = (): void => {
        silent.forget(socket)
        clearTimeout(late)
      }
      const fail = (error: unknown): void => {
        onFault(error)
        end()
      }
      const read = guardHandler((part: Buffer): void => {
        bytes = bytes.length === 0 ? part : Buffer.concat([bytes, part])
        const header = readProxyHeader(bytes)
        if (header === 'more') return
        if (header === 'malformed') return end()
        forget()
        socket.off('close', forget).off('error', end).off('end', end).off('data', read)
        socket.pause()
        if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
        onHeader(header.source)
      }, fail)
      silent.add(socket)
      socket.on('close', forget).on('error', end).on('end', end).on('data', read)
    },
  }
}
