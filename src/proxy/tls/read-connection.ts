import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ClientLink, RequestHead } from '../exchange.ts'
import { readClientCertificate } from './client-certificate.ts'

/** Properties that all requests of a connection share. */
export type ConnectionFacts = Pick<
  RequestHead,
  'scheme' | 'clientAddress' | 'tlsVersion' | 'serverName' | 'clientCertificate'
> & {
  /** The default port of requests without one. */
  readonly localPort: number
  readonly connection: ClientLink
}

/** Call once per connection, not per request. */
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
    clientCertificate: readClientCertificate(socket),
  }
}
