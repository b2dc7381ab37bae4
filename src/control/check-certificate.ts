import {
  createHash,
  createPrivateKey,
  createPublicKey,
  X509Certificate,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import type { Entity } from '../schema/entity.ts'
import { isReference } from '../schema/secret-reference.ts'
import { schemaViolation } from './kong-problem.ts'

type Fields = Readonly<Record<string, unknown>>

/** Fields of an entity with certificates and keys read: refuses, in Kong's words, a key that is none, a pair that does not belong together and an authority that is none; fills the digest of an authority. */
export function checkCertificate(entity: Entity, fields: Fields, now: number): Fields {
  if (entity.name === 'certificate') checkPairs(fields)
  if (entity.name === 'jwt' && !isPublicKey(fields['rsa_public_key'])) {
    throw schemaViolation({ rsa_public_key: 'invalid key' })
  }
  if (entity.name === 'key') checkKey(fields)
  return entity.name === 'ca-certificate' ? withDigest(fields, now) : fields
}

function checkKey({ jwk, pem }: Fields): void {
  const text = isReference(jwk) ? null : jwk
  const jsonWebKey = typeof text === 'string' ? (JSON.parse(text) as JsonWebKey) : null
  // A symmetric key has nothing that could be wrong but its form, which RFC 7518 gives.
  const isKey =
    jsonWebKey?.kty === 'oct'
      ? /^[\w-]+$/.test(String(jsonWebKey['k']))
      : jsonWebKey === null || isPublicKey({ key: jsonWebKey, format: 'jwk' })
  if (!isKey) throw refused('could not load JWK, likely not a valid key')
  const { private_key: privateKey, public_key: publicKey } = (pem ?? {}) as Fields
  if (typeof privateKey === 'string' && !isReference(privateKey)) readKey('pem', privateKey)
  if (!isPublicKey(publicKey)) throw refused('could not load public key')
}

/** Whether a value is a public key, or nothing at all. */
function isPublicKey(key: unknown): boolean {
  if (key === null || key === undefined) return true
  try {
    createPublicKey(key as string)
    return true
  } catch {
    return false
  }
}

function checkPairs({ cert, key, cert_alt: certAlt, key_alt: keyAlt }: Fields): void {
  // What is kept in a vault is read where it is used.
  if ([cert, key, certAlt, keyAlt].some(isReference)) return
  const first = readPair('cert', cert, ['key', key])
  if (certAlt === null) {
    if (!first.matches) throw refused('certificate does not match key')
    return
  }
  const second = readPair('cert_alt', certAlt, ['key_alt', keyAlt])
  if (!first.matches) throw refused('certificate does not match key')
  if (!second.matches) throw refused('alternative certificate does not match key')
  if (first.type === second.type) {
    throw refused(
      'certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), the provided certificates were both of the same type',
    )
  }
}

function readPair(
  certField: string,
  cert: unknown,
  [keyField, key]: readonly [string, unknown],
): { matches: boolean; type: string | undefined } {
  const certificate = readCertificate(certField, cert)
  const privateKey = readKey(keyField, key)
  return {
    matches: certificate.checkPrivateKey(privateKey),
    type: privateKey.asymmetricKeyType,
  }
}

function withDigest(fields: Fields, now: number): Fields {
  const certificate = readCertificate('cert', fields['cert'])
  if (certificate.validToDate.getTime() <= now * 1000)
    throw refused('certificate expired, "Not After" time is in the past')
  if (!certificate.ca) {
    throw refused(
      'certificate does not appear to be a CA because it is missing the "CA" basic constraint',
    )
  }
  const digest = createHash('sha256').update(certificate.raw).digest('hex')
  return { ...fields, cert_digest: digest }
}

function readCertificate(field: string, text: unknown): X509Certificate {
  try {
    return new X509Certificate(String(text))
  } catch (error) {
    throw schemaViolation({ [field]: `invalid certificate: ${(error as Error).message}` })
  }
}

function readKey(field: string, text: unknown): KeyObject {
  try {
    return createPrivateKey(String(text))
  } catch (error) {
    throw schemaViolation({ [field]: `invalid key: ${(error as Error).message}` })
  }
}

const refused = (sentence: string) => schemaViolation({ '@entity': [sentence] })
