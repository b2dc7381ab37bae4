import { decodeHuffman } from './huffman.ts'

/** What a header block is: `broken` where it does not decode, and the connection with it. */
export type BlockVerdict = 'valid' | 'malformed' | 'broken'

/** Names of the static table (RFC 7541 Appendix A). */
const staticNames =
  ':authority :method :method :path :path :scheme :scheme :status :status :status :status :status :status :status accept-charset accept-encoding accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control content-disposition content-encoding content-language content-length content-location content-range content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate'.split(
    ' ',
  )

/** An entry of the dynamic table, as far as it matters here. */
type Entry = {
  readonly nameLength: number
  readonly isNameValid: boolean
  readonly isValid: boolean
  /** RFC 7541 section 4.1. */
  readonly size: number
}

/** SETTINGS_HEADER_TABLE_SIZE, which the gateway leaves at its default. */
const maxTableSize = 4_096
const entryOverhead = 32
/** The largest header block that is decoded; nghttp2 accepts 65,536. */
export const maxBlockBytes = 65_536
/** A code of five bits for a byte is the shortest. */
const decoded = new Uint8Array((maxBlockBytes * 8) / 5 + 1)

class BrokenBlock extends Error {}

/**
 * Checks the fields of header blocks (RFC 9113 section 8.2.1), with the strictness of HTTP/1.1: names are lower-case tokens, values contain no
 * control characters except tab, and neither begin nor end with a blank. Keeps the validity and size of entries of the dynamic table, not their text.
 */
export class HeaderBlockChecker {
  readonly #table: Entry[] = []
  #size = 0
  #limit = maxTableSize
  #block: Uint8Array = decoded
  #at = 0

  check(block: Uint8Array): BlockVerdict {
    this.#block = block
    this.#at = 0
    let isValid = true
    try {
      while (this.#at < block.length) isValid = this.#readField() && isValid
    } catch (error) {
      if (error instanceof BrokenBlock) return 'broken'
      throw error
    }
    return isValid ? 'valid' : 'malformed'
  }

  /** Reads a representation (RFC 7541 section 6); returns whether its field is valid. */
  #readField(): boolean {
    const first = this.#block[this.#at] as number
    if (first >= 0x80) return this.#entry(this.#readInteger(7)).isValid
    if (first >= 0x40) {
      const entry = this.#readLiteral(6)
      this.#limitTo(this.#limit - entry.size)
      if (entry.size <= this.#limit) {
        this.#table.push(entry)
        this.#size += entry.size
      }
      return entry.isValid
    }
    if (first < 0x20) return this.#readLiteral(4).isValid
    this.#limit = this.#readInteger(5)
    if (this.#limit > maxTableSize) throw new BrokenBlock()
    this.#limitTo(this.#limit)
    return true
  }

  #readLiteral(prefix: 4 | 6): Entry {
    const index = this.#readInteger(prefix)
    const known = index === 0 ? undefined : this.#entry(index)
    let [nameLength, isNameValid] = [known?.nameLength ?? 0, known?.isNameValid ?? false]
    if (known === undefined) {
      const name = this.#readText()
      nameLength = name.length
      isNameValid = isName(name)
    }
    const value = this.#readText()
    const size = nameLength + value.length + entryOverhead
    return { nameLength, isNameValid, isValid: isNameValid && isValue(value), size }
  }

  #entry(index: number): Entry {
    const name = staticNames[index - 1]
    if (name !== undefined)
      return { nameLength: name.length, isNameValid: true, isValid: true, size: 0 }
    const entry = this.#table[this.#table.length - (index - staticNames.length)]
    if (entry === undefined) throw new BrokenBlock()
    return entry
  }

  /** Evicts entries until they need no more than `size`. */
  #limitTo(size: number): void {
    while (this.#size > Math.max(0, size)) this.#size -= this.#table.shift()?.size ?? this.#size
  }

  /** RFC 7541 section 5.1. */
  #readInteger(prefix: number): number {
    const mask = (1 << prefix) - 1
    let value = this.#next() & mask
    if (value < mask) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#next()
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new BrokenBlock()
  }

  /** RFC 7541 section 5.2. The bytes are valid until the next text is read. */
  #readText(): Uint8Array {
    const isCoded = (this.#block[this.#at] ?? 0) >= 0x80
    const length = this.#readInteger(7)
    const from = this.#at
    this.#at += length
    if (this.#at > this.#block.length) throw new BrokenBlock()
    if (!isCoded) return this.#block.subarray(from, this.#at)
    const size = decodeHuffman(this.#block, from, this.#at, decoded)
    if (size < 0) throw new BrokenBlock()
    return decoded.subarray(0, size)
  }

  #next(): number {
    const byte = this.#block[this.#at]
    if (byte === undefined) throw new BrokenBlock()
    this.#at += 1
    return byte
  }
}

const nameBytes = bytesOf(/[!#$%&'*+\-.^_`|~0-9a-z]/)
const valueBytes = bytesOf(/[\t\x20-\x7e\x80-\xff]/)

/** For each byte, 1 where the pattern accepts it. */
function bytesOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    pattern.test(String.fromCharCode(byte)) ? 1 : 0,
  )
}

const colon = 0x3a

function isName(text: Uint8Array): boolean {
  const from = text[0] === colon ? 1 : 0
  for (let at = from; at < text.length; at += 1)
    if (nameBytes[text[at] as number] === 0) return false
  return text.length > from
}

function isValue(text: Uint8Array): boolean {
  for (const byte of text) if (valueBytes[byte] === 0) return false
  return !isBlank(text[0]) && !isBlank(text.at(-1))
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09
