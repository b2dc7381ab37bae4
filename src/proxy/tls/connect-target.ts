import net, { type Socket } from 'node:net'
import tls, { type DetailedPeerCertificate } from 'node:tls'
import { EgressDenied, type Egress } from '../../lib/egress.ts'
import { type ConnectAddress, connectOptions } from '../balance/connect-options.ts'
import { toAttemptFailure } from '../http1/upstream-failure.ts'
import { type TargetTls, indicatedName } from './target-tls.ts'
import type { AttemptFailure } from '../walk/ask-upstream.ts'

/** Connects, and with TLS completes the handshake, within `milliseconds`. Rejects with a AttemptFailure of stage `connect`. */
export function connectTarget(
  request: ConnectionRequest,
  protocols: readonly string[],
  milliseconds: number,
  egress: Egress,
): Promise<Socket> {
  return new Promise<Socket>((resolve, reject: (failure: AttemptFailure) => void) => {
    const { preface } = request
    let socket: Socket
    const fail = (error: unknown): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(toAttemptFailure(error, 'connect'))
    }
    const closed = (): void => fail(errorWithCode('ECONNRESET', 'closed while connecting'))
    const timer = setTimeout(
      () => fail(errorWithCode('ETIMEDOUT', 'connect timeout')),
      milliseconds,
    )
    const whenReady = (opened: Socket, event: string, then: () => void): void => {
      socket = opened
      socket.on('error', fail)
      socket.once('close', closed)
      socket.once(event, () => {
        socket.off('error', fail)
        socket.off('close', closed)
        then()
      })
    }
    const finish = (): void => {
      clearTimeout(timer)
      resolve(socket)
    }
    if (preface === undefined)
      return whenReady(openTargetSocket(request, protocols, egress), readyEvent(request), finish)
    whenReady(openTargetSocket({ target: request.target }, [], egress), 'connect', () => {
      socket.write(preface)
      if (request.tls === undefined) return finish()
      const secure = tls.connect({ ...tlsOptions(request.tls, protocols), socket })
      whenReady(secure, 'secureConnect', finish)
    })
  })
}

const errorWithCode = (code: string, message: string): Error =>
  Object.assign(new Error(message), { code })

export type ConnectionRequest = {
  readonly target: ConnectAddress
  readonly tls?: TargetTls | undefined
  /** Bytes to send before all others, before a TLS handshake too. */
  readonly preface?: Uint8Array | undefined
}

/** `protocols` are offered by ALPN. The socket is usable after `readyEvent`; a failed verification, or an address that is not allowed, is an `error` event. */
export function openTargetSocket(
  request: Omit<ConnectionRequest, 'preface'>,
  protocols: readonly string[],
  egress: Egress,
): net.Socket {
  try {
    return connectSocket(request, protocols, connectOptions(request.target, egress))
  } catch (error) {
    if (!(error instanceof EgressDenied)) throw error
    const socket = new net.Socket()
    process.nextTick(() => socket.destroy(error))
    return socket
  }
}

function connectSocket(
  { tls: secure }: ConnectionRequest,
  protocols: readonly string[],
  options: net.TcpNetConnectOpts,
): net.Socket {
  const where = { ...options, noDelay: true, keepAlive: true }
  if (secure === undefined) return net.connect(where)
  return tls.connect({ ...where, ...tlsOptions(secure, protocols) })
}

const tlsOptions = (secure: TargetTls, protocols: readonly string[]): tls.ConnectionOptions => ({
  servername: indicatedName(secure),
  secureContext: secure.context(),
  rejectUnauthorized: secure.verify,
  checkServerIdentity: (_host, certificate) =>
    depthError(secure, certificate as DetailedPeerCertificate) ??
    tls.checkServerIdentity(secure.serverName, certificate),
  ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
})

export const readyEvent = ({ tls: secure }: ConnectionRequest): 'connect' | 'secureConnect' =>
  secure === undefined ? 'connect' : 'secureConnect'

/** Checks the verification depth as OpenSSL does: the number of intermediates between the target's certificate and a trusted one. Node has no such option. */
function depthError({ depth }: TargetTls, certificate: DetailedPeerCertificate): Error | undefined {
  if (depth === undefined) return undefined
  let length = 1
  for (let at = certificate; isIssuedByAnother(at); at = at.issuerCertificate) length += 1
  if (length - 2 <= depth) return undefined
  return Object.assign(new Error('the certificate chain is too long'), {
    code: 'CERT_CHAIN_TOO_LONG',
  })
}

const isIssuedByAnother = (certificate: DetailedPeerCertificate): boolean =>
  (certificate.issuerCertificate as DetailedPeerCertificate | undefined) !== undefined &&
  certificate.issuerCertificate.fingerprint256 !== certificate.fingerprint256
