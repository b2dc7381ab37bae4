import {
  constants,
  createHmac,
  createPublicKey,
  timingSafeEqual,
  verify,
  KeyObject,
} from 'node:crypto'
import { isRecord } from '../../lib/is-record.ts'

type Members = Readonly<Record<string, unknown>>

/** A JSON Web Token in compact form, decoded but not verified. */
export type DecodedToken = {
  readonly header: Members
  readonly claims: Members
  readonly signed: string
  readonly signature: Buffer
}

/** Decodes a token; returns the reason as text when it is malformed. */
export function decodeToken(token: string): DecodedToken | string {
  const [head = '', body = '', signature, ...rest] = token.split('.')
  if (signature === undefined || rest.length > 0) return 'invalid JSON'
  const [header, claims] = [parsePart(head), parsePart(body)]
  if (header === undefined || claims === undefined) return 'invalid JSON'
  if (typeof header['alg'] !== 'string' || !isAlgorithm(header['alg'])) return 'invalid alg'
  // RFC 7515 section 4.1.11: extensions that are not understood. RFC 7797 is one of them.
  if (header['crit'] !== undefined || header['b64'] !== undefined) return 'invalid crit'
  if (!isBase64url(signature)) return 'invalid signature'
  const bytes = Buffer.from(signature, 'base64url')
  return { header, claims, signed: `${head}.${body}`, signature: bytes }
}

const isBase64url = (text: string): boolean => /^[\w-]+$/.test(text)

function parsePart(text: string): Members | undefined {
  if (!isBase64url(text)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

const digests: Readonly<Record<string, string>> = { 256: 'sha256', 384: 'sha384', 512: 'sha512' }
const curves: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}

const isAlgorithm = (name: string): boolean =>
  /^(?:HS|RS|ES|PS)(?:256|384|512)$/.test(name) || name === 'EdDSA'

/** Whether the signature of a token is by the key, which must be of the kind that the algorithm of the credential demands. */
export function isSignedBy(
  { signed, signature }: DecodedToken,
  algorithm: string,
  key: KeyObject | Buffer,
): boolean {
  const digest = digests[algorithm.slice(2)] ?? ''
  if (!(key instanceof KeyObject))
    return algorithm.startsWith('HS') && isMac(signature, { key, digest, signed })
  return (
    isKeyFor(algorithm, key) &&
    verify(
      algorithm === 'EdDSA' ? null : digest,
      Buffer.from(signed),
      { key, ...paddings[algorithm.slice(0, 2)] },
      signature,
    )
  )
}

type Mac = { readonly key: Buffer; readonly digest: string; readonly signed: string }

function isMac(signature: Buffer, { key, digest, signed }: Mac): boolean {
  const expected = createHmac(digest, key).update(signed).digest()
  return expected.length === signature.length && timingSafeEqual(expected, signature)
}

/** RFC 7518 sections 3.3 to 3.5. */
const paddings: Readonly<Record<string, object>> = {
  ES: { dsaEncoding: 'ieee-p1363' },
  PS: {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
}

const keyTypes: Readonly<Record<string, readonly (string | undefined)[]>> = {
  Ed: ['ed25519', 'ed448'],
  ES: ['ec'],
  PS: ['rsa', 'rsa-pss'],
  RS: ['rsa'],
}

const isKeyFor = (
  algorithm: string,
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
): boolean =>
  keyTypes[algorithm.slice(0, 2)]?.includes(type) === true &&
  details?.namedCurve === curves[algorithm]

/** The public key of a credential; undefined for invalid text. */
export function readPublicKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem)
  } catch {
    return undefined
  }
}
