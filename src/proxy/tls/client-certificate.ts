import type { X509Certificate } from 'node:crypto'
import type { Server, TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../exchange.ts'
import { alternativeNamesIn } from './read-certificate.ts'

/** Undefined when the client sent no certificate. */
export function readClientCertificate(socket: TLSSocket): ClientCertificate | undefined {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const { raw: der } = certificate
  const verified = socket.authorized
  const chain = presentedChains.get(socket) ?? chainFrom(certificate)
  return { verified, spiffeId: verified ? spiffeIdIn(der) : '', der, chain }
}

const presentedChains = new WeakMap<TLSSocket, readonly X509Certificate[]>()

/**
 * Reads the chains of clients before Node does, because Node 24.21 leaves no intermediate certificates of accepted
 * clients (nodejs/node#65579). Of the events of a handshake only `keylog` has the socket in time.
 */
export function keepPresentedChains(server: Server): void {
  server.on('keylog', (_line, socket: TLSSocket) => {
    if (presentedChains.has(socket)) return
    presentedChains.set(socket, [])
    socket.prependOnceListener('secure', () => {
      const certificate = socket.getPeerX509Certificate()
      if (certificate !== undefined) presentedChains.set(socket, chainFrom(certificate))
    })
  })
}

/** The certificate of a client and those that it sent after it. */
function chainFrom(certificate: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  for (let next: X509Certificate | undefined = certificate; next !== undefined;) {
    chain.push(next)
    next = chain.length < maxPresented ? next.issuerCertificate : undefined
  }
  return chain
}

/** Certificates of a chain that are read; verified chains are shorter. */
const maxPresented = 12

/** The SPIFFE ID of a certificate (DER), or ''. It is valid only as the single URI SAN. */
export function spiffeIdIn(certificate: Uint8Array): string {
  const [uri, ...others] = urisIn(certificate)
  return uri !== undefined && others.length === 0 && isSpiffeId(uri) ? uri : ''
}

/** SPIFFE-ID standard, sections 2.1 to 2.3; a workload has a non-empty path. */
function isSpiffeId(text: string): boolean {
  if (text.length > 2048) return false
  const found = /^spiffe:\/\/[a-z0-9._-]{1,255}((?:\/[A-Za-z0-9._-]+)+)$/.exec(text)
  const path = found?.[1]?.split('/') ?? ['.']
  return !path.includes('.') && !path.includes('..')
}

/** The URI SANs of a certificate (DER). Parses the bytes, because in Node's text form one name can imitate two. */
export const urisIn = (certificate: Uint8Array): string[] =>
  alternativeNamesIn(certificate)
    .filter(({ tag }) => tag === uriTag)
    .map(({ value }) => Buffer.from(value).toString('latin1'))

const uriTag = 0x86
