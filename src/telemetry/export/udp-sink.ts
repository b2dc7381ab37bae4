import dgram from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { assertAllowed, type Egress } from '../../lib/egress.ts'
import type { Sink } from './sink.ts'

/** Milliseconds for which the address of a name is kept. */
const addressLifetime = 10_000

/** Sends each batch as one datagram. UDP reports no loss; what fails here is the name, and datagrams that are too long. */
export function openUdpSink({ host, port }: { host: string; port: number }, egress: Egress): Sink {
  const name = host.replace(/^\[|\]$/g, '')
  const sockets = new Map<string, dgram.Socket>()
  let known: { readonly address: string; readonly until: number } | undefined

  const resolve = async (): Promise<string> => {
    if (known !== undefined && performance.now() < known.until) return known.address
    const address = isIP(name) === 0 ? (await lookup(name)).address : name
    assertAllowed(egress, address, port)
    known = { address, until: performance.now() + addressLifetime }
    return address
  }
  const socketFor = (address: string): dgram.Socket => {
    const type = isIPv6(address) ? 'udp6' : 'udp4'
    let socket = sockets.get(type)
    if (socket === undefined) {
      socket = dgram.createSocket(type).unref()
      // Errors of sending are those of the callback.
      socket.on('error', () => undefined)
      sockets.set(type, socket)
    }
    return socket
  }

  return {
    async send(body) {
      const address = await resolve()
      const { promise, resolve: sent, reject } = Promise.withResolvers<void>()
      socketFor(address).send(body, port, address, (error) => {
        if (error === null) sent()
        else reject(new Error(`${host}:${port}: ${error.message}`, { cause: error }))
      })
      await promise
    },
    close() {
      for (const socket of sockets.values()) socket.close()
      sockets.clear()
    },
  }
}
