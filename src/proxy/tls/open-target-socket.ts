import net from 'node:net'
import tls, { type DetailedPeerCertificate } from 'node:tls'
import { connectOptions, type ConnectAddress } from '../balance/connect-options.ts'
import { indicatedName, type TargetTls } from './target-tls.ts'

/** A connection that somebody wants. */
export type ConnectionWish = {
  readonly target: ConnectAddress
  readonly tls?: TargetTls | undefined
}

/** Opens a socket to a target that offers `protocols` (ALPN) where it is secure. It can be used after `connect`, a secure one after `secureConnect`; a target that cannot prove its name is an `error` instead. */
export function openTargetSocket(
  { target, tls: secure }: ConnectionWish,
  protocols: readonly string[],
): net.Socket {
  const where = { ...connectOptions(target), noDelay: true, keepAlive: true }
  if (secure === undefined) return net.connect(where)
  return tls.connect({
    ...where,
    servername: indicatedName(secure),
    secureContext: secure.context(),
    rejectUnauthorized: secure.verify,
    checkServerIdentity: (_host, certificate) =>
      depthComplaint(secure, certificate as DetailedPeerCertificate) ??
      tls.checkServerIdentity(secure.serverName, certificate),
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
  })
}

/** The event after which a socket to a target can be used. */
export const readyEvent = ({ tls: secure }: ConnectionWish): 'connect' | 'secureConnect' =>
  secure === undefined ? 'connect' : 'secureConnect'

/** What is wrong with the length of the chain by which a target proves its name. Node does not know OpenSSL's depth, which counts what is between the target's certificate and a trusted one. */
function depthComplaint(
  { depth }: TargetTls,
  certificate: DetailedPeerCertificate,
): Error | undefined {
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
