import type { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../exchange.ts'
import { elementsOf, firstIn } from './read-der.ts'

/** Undefined when the client sent no certificate. */
export function readClientCertificate(socket: TLSSocket): ClientCertificate | undefined {
  const der = socket.getPeerX509Certificate()?.raw
  if (der === undefined) return undefined
  const verified = socket.authorized
  return { verified, spiffeId: verified ? spiffeIdIn(der) : '', der }
}

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
export function urisIn(certificate: Uint8Array): string[] {
  const names = extensionsOf(certificate).find(({ id }) => id === subjectAltName)
  if (names === undefined) return []
  return elementsOf(firstIn(names.value).value)
    .filter(({ tag }) => tag === uriTag)
    .map(({ value }) => Buffer.from(value).toString('latin1'))
}

/** OBJECT IDENTIFIER 2.5.29.17. */
const subjectAltName = '551d11'
const extensionsTag = 0xa3
const octetStringTag = 0x04
const uriTag = 0x86

function extensionsOf(certificate: Uint8Array): { id: string; value: Uint8Array }[] {
  const toBeSigned = firstIn(firstIn(certificate).value)
  const field = elementsOf(toBeSigned.value).find(({ tag }) => tag === extensionsTag)
  if (field === undefined) return []
  return elementsOf(firstIn(field.value).value).flatMap((extension) => {
    const [id, ...rest] = elementsOf(extension.value)
    const value = rest.find(({ tag }) => tag === octetStringTag)
    if (id === undefined || value === undefined) return []
    return [{ id: Buffer.from(id.value).toString('hex'), value: value.value }]
  })
}
