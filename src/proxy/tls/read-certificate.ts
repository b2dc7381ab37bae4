import { elementsOf, firstIn, type Element } from './read-der.ts'

/** An extension of a certificate; `id` is its OBJECT IDENTIFIER, DER in hex. */
export type Extension = {
  readonly id: string
  readonly isCritical: boolean
  readonly value: Uint8Array
}

export const subjectAltName = '551d11'

const tags = { boolean: 0x01, octetString: 0x04, version: 0xa0, extensions: 0xa3 } as const

/** The extensions of a certificate (DER). */
export function extensionsOf(certificate: Uint8Array): Extension[] {
  const field = fieldsOf(certificate).find(({ tag }) => tag === tags.extensions)
  if (field === undefined) return []
  return elementsOf(firstIn(field.value).value).flatMap((extension) => {
    const [id, ...rest] = elementsOf(extension.value)
    const value = rest.find(({ tag }) => tag === tags.octetString)
    if (id === undefined || value === undefined) return []
    const isCritical = rest.some(({ tag, value: [flag] }) => tag === tags.boolean && flag !== 0)
    return [{ id: hexOf(id.value), isCritical, value: value.value }]
  })
}

/** The names in the subjectAltName extension of a certificate (DER), each with the tag of its kind. */
export function alternativeNamesIn(certificate: Uint8Array): Element[] {
  const names = extensionsOf(certificate).find(({ id }) => id === subjectAltName)
  return names === undefined ? [] : elementsOf(firstIn(names.value).value)
}

/** Subject and issuer of a certificate (DER): RDNSequences of RFC 5280 section 4.1.2.4. */
export function namesOf(certificate: Uint8Array): {
  readonly subject: Uint8Array
  readonly issuer: Uint8Array
} {
  const fields = fieldsOf(certificate)
  const offset = fields[0]?.tag === tags.version ? 1 : 0
  const [issuer, subject] = [fields[offset + 2], fields[offset + 4]]
  if (issuer === undefined || subject === undefined) throw new RangeError('a name is missing')
  return { subject: subject.value, issuer: issuer.value }
}

/** The fields of the TBSCertificate. */
const fieldsOf = (certificate: Uint8Array): Element[] =>
  elementsOf(firstIn(firstIn(certificate).value).value)

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
