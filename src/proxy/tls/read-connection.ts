import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ClientLink, RequestHead } from '../exchange.ts'
import { type Origin, type TrustedProxy, socketOrigin } from '../front/origin.ts'
import type { HeaderList } from '../header-list.ts'
import { readClientCertificate } from './client-certificate.ts'

/** Properties that all requests of a connection share. */
export type ConnectionFacts = Pick<
  RequestHead,
  'scheme' | 'clientAddress' | 'tlsVersion' | 'serverName' | 'clientCertificate'
> & {
  /** The default port of requests without one. */
  readonly localPort: number
  readonly connection: ClientLink
  readonly proxy?: TrustedProxy | undefined
}

/** Call once per connection, not per request. */
export function readConnection(
  socket: Socket,
  { client, local, proxy }: Origin = socketOrigin(socket),
): ConnectionFacts {
  const where = {
    clientAddress: client.address,
    localPort: local.port,
    proxy,
    connection: { socket, client, local, exchanges: 0, idleSince: 0 },
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

/** The client of a request: the one that a trusted proxy names in `headers`, else that of the connection. */
export const clientOf = (
  { clientAddress, proxy }: Pick<ConnectionFacts, 'clientAddress' | 'proxy'>,
  headers: HeaderList,
): string => proxy?.clientOf(headers) ?? clientAddress
