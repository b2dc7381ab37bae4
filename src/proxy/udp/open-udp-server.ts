import dgram, { type SocketType } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Log } from '../../lib/log.ts'
import type { Endpoint } from '../front/origin.ts'
import type { BoundUdpHandle } from '../listener-options.ts'
import { knownAddress } from './known-address.ts'

/** Receives and sends datagrams. */
export type UdpServer = {
  /** Begins to receive, on a bound socket of another process or on an address of its own; resolves with the address. */
  listen(this: void, place: Endpoint | BoundUdpHandle): Promise<Endpoint>
}

export type UdpReceiver = {
  receive(this: void, datagram: Buffer, from: Endpoint, server: BoundUdpServer): void
  onFault(this: void, error: unknown): void
  readonly log: Log
}

/** A server that receives. */
export type BoundUdpServer = {
  /** The wildcard address where it listens on all: Node does not report the destination of a datagram. */
  readonly local: Endpoint
  send(this: void, datagram: Buffer, to: Endpoint): void
  /** Stops receiving; sending continues. */
  stop(this: void): void
  close(this: void): void
}

/** Most bytes in the send queue; further datagrams are dropped, as in a network. */
const maxQueued = 4_194_304

/** Opens a server; `onListening` is called before its first datagram. */
export const openUdpServer = (
  { receive, onFault, log }: UdpReceiver,
  onListening: (server: BoundUdpServer) => void,
): UdpServer => ({
  async listen(place) {
    const socket = dgram.createSocket({ type: typeOf(place), lookup: knownAddress })
    const failed = (error: Error, to: Endpoint): void =>
      log.info('proxy: sending a datagram to a client failed', { client: to.address, error })
    socket.on('message', (datagram, { address, port }) => {
      try {
        receive(datagram, { address, port }, server)
      } catch (error) {
        onFault(error)
      }
    })
    const listening = once(socket, 'listening')
    // An address in use is an error of `bind`, which `once` rejects with.
    if (isHandle(place)) (socket as unknown as { bind(handle: object): void }).bind(place)
    else socket.bind({ ...place, exclusive: true })
    await listening
    socket.on('error', onFault)
    const { address, port } = socket.address()
    const server: BoundUdpServer = {
      local: { address, port },
      send(datagram, to) {
        if (socket.getSendQueueSize() > maxQueued) return
        socket.send(datagram, to.port, to.address, (error) => {
          if (error !== null) failed(error, to)
        })
      },
      stop: () => isHandle(place) && place.recvStop(),
      close: () => socket.close(),
    }
    onListening(server)
    return server.local
  },
})

const isHandle = (place: Endpoint | BoundUdpHandle): place is BoundUdpHandle => 'recvStop' in place

function typeOf(place: Endpoint | BoundUdpHandle): SocketType {
  if (!isHandle(place)) return isIPv6(place.address) ? 'udp6' : 'udp4'
  const bound: { address?: string } = {}
  place.getsockname(bound)
  return isIPv6(bound.address ?? '') ? 'udp6' : 'udp4'
}
