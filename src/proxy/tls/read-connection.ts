import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ClientLink, RequestHead } from '../exchange.ts'
import { readPeer } from './read-peer.ts'

/** What every request of a connection has in common. */
export type ConnectionFacts = Pick<
  RequestHead,
  'scheme' | 'clientAddress' | 'tlsVersion' | 'serverName' | 'clientCertificate'
> & {
  /** The port it came to, where its host names none. */
  readonly localPort: number
  readonly connection: ClientLink
}

/** What is known of a connection once it is made; read it once, not for each request. */
export function readConnection(socket: Socket): ConnectionFacts {
  const where = {
    clientAddress: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    localPort: socket.localPort ?? 0,
    connection: { socket, exchanges: 0, idleSince: 0 },
  }
  if (!(socket instanceof TLSSocket)) return { ...where, scheme: 'http', tlsVersion: '' }
  const { servername } = socket as { servername?: string | false }
  return {
    ...where,
    scheme: 'https',
    tlsVersion: socket.getProtocol() ?? '',
    serverName: typeof servername === 'string' ? servername.toLowerCase() : undefined,
    clientCertificate: readPeer(socket),
  }
}
