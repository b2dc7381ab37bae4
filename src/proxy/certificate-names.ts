import { elementsOf, type Element } from './tls/read-der.ts'
import { alternativeNamesIn, hexOf, namesOf } from './tls/read-certificate.ts'

/** The names of a certificate's subject. Names that are malformed or contain control characters are omitted. */
export type CertificateNames = {
  /** DNS names, email addresses and URIs among the subject alternative names, in their order. */
  readonly alternatives: readonly string[]
  readonly commonName: string | undefined
  /** Distinguished names in the form of RFC 4514, ASCII only. */
  readonly subject: string
  readonly issuer: string
}

/** Reads a certificate (DER). Throws RangeError when it is malformed. */
export function readCertificateNames(certificate: Uint8Array): CertificateNames {
  const { subject, issuer } = namesOf(certificate)
  const commonName = attributesOf(subject)
    .flat()
    .find(({ id }) => id === commonNameId)
  return {
    alternatives: alternativeNamesIn(certificate).flatMap(({ tag, value }) => {
      const text = textualTags.has(tag) ? decodeText(asciiTag, value) : undefined
      return text === undefined ? [] : [text]
    }),
    commonName: commonName && decodeText(commonName.value.tag, commonName.value.value),
    subject: writeName(subject),
    issuer: writeName(issuer),
  }
}

/** rfc822Name, dNSName and uniformResourceIdentifier (RFC 5280 section 4.2.1.6); all are IA5String. */
const textualTags: ReadonlySet<number> = new Set([0x81, 0x82, 0x86])
const asciiTag = 0x16
const commonNameId = '550403'

type Attribute = { readonly id: string; readonly value: Element }

/** The relative distinguished names of a name, each a list of attributes. */
const attributesOf = (name: Uint8Array): Attribute[][] =>
  elementsOf(name).map((set) =>
    elementsOf(set.value).flatMap((attribute) => {
      const [id, value] = elementsOf(attribute.value)
      return id === undefined || value === undefined ? [] : [{ id: hexOf(id.value), value }]
    }),
  )

/** Decodes a string of ASN.1; undefined when its bytes are not of its type, or it is empty or has control characters. */
function decodeText(tag: number, bytes: Uint8Array): string | undefined {
  let text: string | undefined
  try {
    text = decoders[tag]?.(bytes)
  } catch {
    return undefined
  }
  return text === undefined || text === '' || /\p{Cc}/u.test(text) ? undefined : text
}

const strictText = (encoding: string) => (bytes: Uint8Array) =>
  new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)

const ascii = (bytes: Uint8Array): string | undefined =>
  bytes.some((byte) => byte > 0x7f) ? undefined : Buffer.from(bytes).toString('latin1')

/** By the tags of UTF8String, PrintableString, TeletexString, IA5String and BMPString. Others are not read. */
const decoders: Readonly<Record<number, (bytes: Uint8Array) => string | undefined>> = {
  0x0c: strictText('utf-8'),
  0x13: ascii,
  0x14: ascii,
  [asciiTag]: ascii,
  0x1e: strictText('utf-16be'),
}

/** RFC 4514 section 2: the most specific part comes first. */
const writeName = (name: Uint8Array): string =>
  attributesOf(name)
    .toReversed()
    .map((attributes) => attributes.map(writeAttribute).join('+'))
    .join(',')

function writeAttribute({ id, value }: Attribute): string {
  const text = decodeText(value.tag, value.value)
  const type = attributeTypes[id]
  if (type === undefined || text === undefined)
    return `${type ?? dottedId(id)}=#${hexOf(value.raw)}`
  return `${type}=${escapeValue(text)}`
}

/** RFC 4514 section 2.4, with all but ASCII in hexadecimal. */
const escapeValue = (text: string): string =>
  text
    .replaceAll(/[",+;<>\\]|^[ #]| $/g, (found) => `\\${found}`)
    .replaceAll(/[^ -~]/gu, (found) =>
      [...Buffer.from(found)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join(''),
    )

/** OBJECT IDENTIFIERs in DER and hex, with their names in RFC 4514 and RFC 4519. */
const attributeTypes: Readonly<Record<string, string>> = {
  '550403': 'CN',
  '550404': 'SN',
  '550405': 'serialNumber',
  '550406': 'C',
  '550407': 'L',
  '550408': 'ST',
  '550409': 'STREET',
  '55040a': 'O',
  '55040b': 'OU',
  '0992268993f22c640101': 'UID',
  '0992268993f22c640119': 'DC',
  '2a864886f70d010901': 'emailAddress',
}

/** ITU-T X.690 section 8.19. */
function dottedId(hex: string): string {
  const numbers: number[] = []
  let number = 0
  for (const byte of Buffer.from(hex, 'hex')) {
    number = number * 128 + (byte & 0x7f)
    if (byte > 0x7f) continue
    numbers.push(number)
    number = 0
  }
  const [first = 0, ...others] = numbers
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - root * 40, ...others].join('.')
}
