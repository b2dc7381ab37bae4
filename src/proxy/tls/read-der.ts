/** `raw` is the whole element, `value` what it holds. */
export type Element = {
  readonly tag: number
  readonly value: Uint8Array
  readonly raw: Uint8Array
}

/** The first element of a sequence; throws when there is none. */
export function firstIn(bytes: Uint8Array): Element {
  const [first] = elementsOf(bytes)
  if (first === undefined) throw new RangeError('an element is missing')
  return first
}

/** A sequence of DER elements (ITU-T X.690 section 8.1). Certificates and OCSP responses have no multi-byte tags. */
export function elementsOf(bytes: Uint8Array): Element[] {
  const elements: Element[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = bytes[at] as number
    const { length, start } = readLength(bytes, at + 1)
    if (start + length > bytes.length) throw new RangeError('an element is cut off')
    const end = start + length
    elements.push({ tag, value: bytes.subarray(start, end), raw: bytes.subarray(at, end) })
    at = end
  }
  return elements
}

function readLength(bytes: Uint8Array, at: number): { length: number; start: number } {
  const first = bytes[at] ?? 0
  if (first < 0x80) return { length: first, start: at + 1 }
  let length = 0
  const start = at + 1 + (first & 0x7f)
  for (let index = at + 1; index < start; index += 1) length = length * 256 + (bytes[index] ?? 0)
  return { length, start }
}
