import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import type { Log } from '../../lib/log.ts'
import { contextOptions, type ServerNames } from './server-names.ts'

/** A certificate with its key, PEM. */
export type CertificatePair = { readonly cert: string; readonly key: string }

/** What a TLS front is opened with. */
export type TlsFrontOptions = {
  readonly names: ServerNames
  /** Shown for names that nothing covers; without it such handshakes fail. */
  readonly fallback: CertificatePair | undefined
  /** Milliseconds for a handshake. */
  readonly timeout: number
  /** Protocols to agree on (ALPN); none unless given. */
  readonly protocols: readonly string[]
  readonly log: Log
  /** Takes a connection over after its handshake. */
  readonly onSecure: (socket: TLSSocket) => void
}

/** Shakes hands with clients. */
export type TlsFront = {
  /** Takes over a connected socket that nothing was read from. */
  accept(this: void, socket: Socket): void
  /** Lets handshakes that begin from now on go by other names; connections stay as they are. */
  swap(this: void, names: ServerNames): void
  /** Handshakes under way. */
  readonly waiting: number
  /** Breaks every connection that is left. */
  close(): void
}

/** Opens a TLS front. Every change of what it shows or asks makes a new server with ticket keys of its own: no ticket outlives the certificates and
 *  authorities under which it was given, and where clients are asked who they are, there are no tickets at all. */
export function openTlsFront(options: TlsFrontOptions): TlsFront {
  const { names, fallback, timeout, protocols, log, onSecure } = options
  const connections = new Set<Socket>()
  let waiting = 0
  let shown = names
  let server = open(names)

  function open(by: ServerNames): tls.Server {
    const made = tls.createServer({
      ...contextOptions(by.peers),
      ...fallback,
      ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
      handshakeTimeout: timeout,
      requestCert: by.peers !== undefined,
      rejectUnauthorized: false,
      secureOptions: by.peers === undefined ? 0 : constants.SSL_OP_NO_TICKET,
      SNICallback: (name, done) => done(null, by.find(name.toLowerCase())),
    })
    made.on('secureConnection', (socket) => {
      waiting -= 1
      onSecure(socket)
    })
    made.on('tlsClientError', (error, socket) => {
      waiting -= 1
      log.info('tls: handshake with a client failed', {
        client: socket.remoteAddress,
        error,
      })
      socket.destroy()
    })
    return made
  }

  return {
    accept(socket) {
      waiting += 1
      connections.add(socket)
      socket.once('close', () => connections.delete(socket))
      server.emit('connection', socket)
    },
    swap(next) {
      if (next.identity === shown.identity) return
      shown = next
      server = open(next)
    },
    get waiting() {
      return waiting
    },
    close() {
      for (const socket of connections) socket.destroy()
    },
  }
}
