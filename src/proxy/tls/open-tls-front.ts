import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import type { Log } from '../../lib/log.ts'
import { type Origin, socketOrigin } from '../front/origin.ts'
import type { TlsPolicy } from '../tls-policy.ts'
import { contextOptions, type ServerNames } from './server-names.ts'
import type { Staples } from './ocsp/open-staples.ts'
import type { TicketKeys } from '../ticket-keys.ts'
import { keepPresentedChains } from './client-certificate.ts'

/** PEM. */
export type CertificatePair = { readonly cert: string; readonly key: string }

export type TlsFrontOptions = {
  readonly names: ServerNames
  /** Default certificate; without it handshakes for unknown names fail. */
  readonly fallback: CertificatePair | undefined
  /** Handshake timeout in milliseconds. */
  readonly timeout: number
  /** ALPN protocols. */
  readonly protocols: readonly string[]
  readonly log: Log
  readonly policy: TlsPolicy
  /** Undefined where there are no session tickets. */
  readonly tickets: TicketKeys | undefined
  /** Undefined where no OCSP responses are stapled. */
  readonly staples?: Staples | undefined
  readonly onSecure: (socket: TLSSocket, origin: Origin) => void
}

/** Terminates TLS. */
export type TlsFront = {
  /** Takes over a socket of which nothing was read. */
  accept(this: void, socket: Socket, origin: Origin): void
  /** Replaces the certificates for new handshakes. */
  swap(this: void, names: ServerNames): void
  /** Handshakes in progress. */
  readonly waiting: number
  /** Destroys all connections. */
  close(): void
}

/**
 * A change of certificates or client CAs opens a new server with its own ticket keys, so that no session ticket outlives
 * them; they are the same in all workers with the same certificates. Where client certificates are requested, there are no tickets.
 */
export function openTlsFront(options: TlsFrontOptions): TlsFront {
  const { names, fallback, timeout, protocols, log, policy, tickets, staples, onSecure } = options
  const connections = new Map<Socket, Origin>()
  let waiting = 0
  let shown = names
  let server = open(names)

  function open(by: ServerNames): tls.Server {
    const made = tls.createServer({
      ...contextOptions(by.clientCas, policy),
      ...fallback,
      ...(tickets === undefined ? {} : { ticketKeys: tickets.keysFor(by.digest()) }),
      ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
      handshakeTimeout: timeout,
      requestCert: by.clientCas !== undefined,
      rejectUnauthorized: false,
      secureOptions:
        by.clientCas === undefined && tickets !== undefined ? 0 : constants.SSL_OP_NO_TICKET,
      SNICallback(name, done) {
        let found: SecureContext | undefined
        try {
          found = by.find(name.toLowerCase(), policy)
        } catch (error) {
          log.error('tls: loading the certificate of a server name failed', { name, error })
          return done(error as Error)
        }
        done(null, found)
      },
    })
    if (by.clientCas !== undefined) keepPresentedChains(made)
    if (staples !== undefined)
      made.on('OCSPRequest', (certificate, issuer, done) => {
        let response: Buffer | undefined
        try {
          response = by.isOneOfTwo(certificate)
            ? undefined
            : staples.find(certificate, issuer as Buffer | null)
        } catch (error) {
          log.error('tls: finding an OCSP response failed', { error })
        }
        // Node takes null for none.
        done(null, response as Buffer)
      })
    made.on('secureConnection', (socket) => {
      waiting -= 1
      try {
        onSecure(socket, connections.get(encryptedSocketOf(socket)) ?? socketOrigin(socket))
      } catch (error) {
        log.error('proxy: handling a connection failed', { error })
        socket.destroy()
      }
    })
    made.on('tlsClientError', (error, socket) => {
      waiting -= 1
      log.info('tls: handshake with a client failed', {
        client: connections.get(encryptedSocketOf(socket))?.client.address,
        error,
      })
      socket.destroy()
    })
    return made
  }

  tickets?.onRotate(() => server.setTicketKeys(tickets.keysFor(shown.digest())))
  return {
    accept(socket, origin) {
      waiting += 1
      connections.set(socket, origin)
      socket.once('close', () => connections.delete(socket))
      server.emit('connection', socket)
    },
    swap(next) {
      if (next.identity === shown.identity) return
      server = open(next)
      shown = next
    },
    get waiting() {
      return waiting
    },
    close() {
      for (const socket of connections.keys()) socket.destroy()
    },
  }
}

/** Node keeps the socket under a TLS socket, and documents no way to it. */
const encryptedSocketOf = (socket: TLSSocket): Socket =>
  (socket as unknown as { readonly _parent?: Socket })._parent ?? socket
