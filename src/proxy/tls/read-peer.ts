import type { TLSSocket } from 'node:tls'
import { SubjectAlternativeNameExtension, X509Certificate } from '@peculiar/x509'
import type { PeerIdentity } from '../exchange.ts'

/** Who the client certificate of a connection names, or undefined when none was shown. */
export function readPeer(socket: TLSSocket): PeerIdentity | undefined {
  const certificate = socket.getPeerX509Certificate()?.raw
  if (certificate === undefined) return undefined
  const verified = socket.authorized
  return { verified, spiffeId: verified ? spiffeIdIn(certificate) : '', certificate }
}

/** The SPIFFE ID in a certificate (DER), or ''. It counts only when it is the only URI among the names; the DER is read because a URI may hold what looks like a second name in text. */
export function spiffeIdIn(certificate: Uint8Array): string {
  const parsed = new X509Certificate(Uint8Array.from(certificate))
  const names = parsed.getExtension(SubjectAlternativeNameExtension)?.names.items ?? []
  const [uri, ...others] = names.filter(({ type }) => type === 'url')
  if (uri === undefined || others.length > 0) return ''
  return isSpiffeId(uri.value) ? uri.value : ''
}

/** The form of the SPIFFE-ID standard, sections 2.1 to 2.3, of a workload: its path is not empty. */
function isSpiffeId(text: string): boolean {
  if (text.length > 2048) return false
  const found = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/.exec(text)
  return (
    found !== null && !(found[2] ?? '').split('/').some((part) => part === '.' || part === '..')
  )
}
