import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { AbstractConnector, type RedisOptions } from 'ioredis'
import { guardedAddress, type Egress } from '../../lib/egress.ts'
import type { RedisAddress } from '../../proxy/plugin.ts'

export type RedisEndpoint = { readonly host: string; readonly port: number }

type ConnectorConstructor = NonNullable<RedisOptions['Connector']>

/** A connector of ioredis that connects to allowed addresses only, including those that Redis, Sentinel or a cluster return. `find` resolves the address; without it, the host of the client is used. */
export function guardedConnector(
  { ssl, ssl_verify: verifies, server_name: name }: RedisAddress,
  egress: Egress,
  find?: () => Promise<RedisEndpoint>,
): ConnectorConstructor {
  return class extends AbstractConnector {
    readonly #endpoint: RedisEndpoint

    constructor({ host = '127.0.0.1', port = 6379 }: Partial<RedisEndpoint>) {
      super(disconnectTimeout)
      this.#endpoint = { host, port }
    }

    override async connect(): Promise<Socket | TLSSocket> {
      this.connecting = true
      const endpoint = (await find?.()) ?? this.#endpoint
      if (!this.connecting) throw new Error('the connection to Redis was closed')
      // Throws an EgressDenied.
      const at = { ...guardedAddress(egress, endpoint.host, endpoint.port), noDelay: true }
      const servername = name ?? (isIP(at.host) === 0 ? at.host : '')
      const socket = ssl
        ? connectTls({ ...at, servername, rejectUnauthorized: verifies })
        : connectTcp(at)
      this.stream = socket
      socket.once('error', (error) => (this.firstError = error))
      return socket
    }
  } as unknown as ConnectorConstructor
}

/** Milliseconds that a socket may take to close. */
const disconnectTimeout = 2_000
