import { hash, X509Certificate } from 'node:crypto'
import { elementsOf, firstIn, type Element } from '../read-der.ts'

/** An OCSP request for a certificate (RFC 6960). */
export type OcspRequest = {
  /** http or https. */
  readonly responder: string
  readonly request: Buffer
  /** Hashes of the issuer's name and key, and the serial number. */
  readonly id: readonly Uint8Array[]
}

const sequenceTag = 0x30
const octetsTag = 0x04
/** SHA-1, which every responder supports (RFC 5019 section 2.1.1). */
const sha1Algorithm = Buffer.from('300906052b0e03021a0500', 'hex')

/** Undefined when the certificate (DER) names no responder. */
export function buildOcspRequest(
  certificate: Uint8Array,
  issuer: Uint8Array,
): OcspRequest | undefined {
  const { infoAccess } = new X509Certificate(certificate)
  const responder = /^OCSP - URI:(https?:\/\/\S+)$/m.exec(infoAccess ?? '')?.[1]
  if (responder === undefined || !URL.canParse(responder)) return undefined
  const [serial, , name] = fieldsOf(certificate)
  const key = elementsOf(fieldsOf(issuer)[5]?.value ?? new Uint8Array())[1]
  if (serial === undefined || name === undefined || key === undefined) return undefined
  // The first byte of a BIT STRING counts its unused bits.
  const hashes = [name.raw, key.value.subarray(1)].map((bytes) => hash('sha1', bytes, 'buffer'))
  const id = wrap(
    sequenceTag,
    sha1Algorithm,
    ...hashes.map((digest) => wrap(octetsTag, digest)),
    serial.raw,
  )
  const list = wrap(sequenceTag, wrap(sequenceTag, id))
  return {
    responder,
    request: wrap(sequenceTag, wrap(sequenceTag, list)),
    id: [...hashes, serial.value],
  }
}

/** The fields of a certificate after its version: serial number, algorithm, issuer, validity, subject, key. */
function fieldsOf(certificate: Uint8Array): readonly Element[] {
  const fields = elementsOf(firstIn(firstIn(certificate).value).value)
  return fields[0]?.tag === 0xa0 ? fields.slice(1) : fields
}

function wrap(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts)
  const { length } = value
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...head]), value])
}

const goodTag = 0x80
const explicitTag = 0xa0
const timeTag = 0x18

/** End of the time for which a response declares the certificate good, in milliseconds since the epoch; throws for any other status. */
export function readGoodUntil(response: Uint8Array, { id }: OcspRequest, now: number): number {
  const own = answersIn(response).find(([asked]) => isAbout(asked, id))
  if (own === undefined) throw new Error('the response is about another certificate')
  if (own[1]?.tag !== goodTag) throw new Error('the certificate is revoked or unknown')
  const from = timeOf(own[2]) ?? Number.POSITIVE_INFINITY
  const until = timeOf(own.find(({ tag }) => tag === explicitTag)?.value) ?? 0
  if (until <= now || from > now + clockSkew) throw new Error('the response is not currently valid')
  return until
}

/** The fields of each SingleResponse: CertID, status, times. */
function answersIn(response: Uint8Array): readonly (readonly Element[])[] {
  const [status, bytes] = elementsOf(firstIn(response).value)
  if (status?.value[0] !== 0 || bytes === undefined)
    throw new Error(`the responder returned status ${status?.value[0]}`)
  const basic = elementsOf(firstIn(bytes.value).value)[1]?.value ?? new Uint8Array()
  return elementsOf(firstIn(firstIn(basic).value).value)
    .filter(({ tag }) => tag === sequenceTag)
    .flatMap(({ value }) => elementsOf(value))
    .map(({ value }) => elementsOf(value))
}

const clockSkew = 300_000

function isAbout(asked: Element | undefined, id: readonly Uint8Array[]): boolean {
  const [, ...named] = asked === undefined ? [] : elementsOf(asked.value)
  return (
    named.length === 3 && named.every(({ value }, at) => Buffer.from(value).equals(id[at] ?? value))
  )
}

/** GeneralizedTime in UTC (RFC 5280 section 4.1.2.5.2). */
function timeOf(given: Element | Uint8Array | undefined): number | undefined {
  const element = given instanceof Uint8Array ? elementsOf(given)[0] : given
  const text = Buffer.from(element?.value ?? []).toString('latin1')
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (element?.tag !== timeTag || parts === null) return undefined
  const [year = 0, month = 0, ...rest] = parts.slice(1).map(Number)
  return Date.UTC(year, month - 1, ...(rest as [number]))
}
