import type { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../exchange.ts'
import { urisIn } from './read-names.ts'

/** Who the client certificate of a connection names, or undefined when none was shown. */
export function readPeer(socket: TLSSocket): ClientCertificate | undefined {
  const certificate = socket.getPeerX509Certificate()?.raw
  if (certificate === undefined) return undefined
  const verified = socket.authorized
  return { verified, spiffeId: verified ? spiffeIdIn(certificate) : '', der: certificate }
}

/** The SPIFFE ID in a certificate (DER), or ''. It counts only when it is the only URI among the names. */
export function spiffeIdIn(certificate: Uint8Array): string {
  const [uri, ...others] = urisIn(certificate)
  return uri !== undefined && others.length === 0 && isSpiffeId(uri) ? uri : ''
}

/** The form of the SPIFFE-ID standard, sections 2.1 to 2.3, of a workload: its path is not empty. */
function isSpiffeId(text: string): boolean {
  if (text.length > 2048) return false
  const found = /^spiffe:\/\/[a-z0-9._-]{1,255}((?:\/[A-Za-z0-9._-]+)+)$/.exec(text)
  const path = found?.[1]?.split('/') ?? ['.']
  return !path.includes('.') && !path.includes('..')
}
