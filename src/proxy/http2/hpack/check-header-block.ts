import { decodeHuffman } from './huffman.ts'

/** `broken`: the block cannot be decoded, which is a connection error. */
export type BlockVerdict = 'valid' | 'malformed' | 'broken'

/** Lengths of the names of the static table (RFC 7541 Appendix A), from index 1. */
const staticNameLengths = Uint8Array.from(
  ' :authority :method :method :path :path :scheme :scheme :status :status :status :status :status :status :status accept-charset accept-encoding accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control content-disposition content-encoding content-language content-length content-location content-range content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate'.split(
    ' ',
  ),
  (name) => name.length,
)

/** SETTINGS_HEADER_TABLE_SIZE, which the gateway leaves at its default. */
const maxTableSize = 4_096
const entryOverhead = 32
/** The largest header block that is decoded; nghttp2 accepts 65,536. */
export const maxBlockBytes = 65_536
/** A code of five bits for a byte is the shortest. */
const decoded = new Uint8Array((maxBlockBytes * 8) / 5 + 1)

/** The most entries of the dynamic table: RFC 7541 section 4.1. */
const capacity = maxTableSize / entryOverhead

/** Bits of a field's validity. */
const nameIsValid = 1
const fieldIsValid = 2
const allValid = nameIsValid | fieldIsValid

class BrokenBlock extends Error {}

/**
 * Checks the fields of header blocks (RFC 9113 section 8.2.1), with the strictness of HTTP/1.1: names are lower-case tokens, values contain no
 * control characters except tab, and neither begin nor end with a blank. Keeps the validity and size of entries of the dynamic table, not their text.
 */
export class HeaderBlockChecker {
  /** Rings of entries. */
  readonly #validities = new Uint8Array(capacity)
  readonly #nameLengths = new Uint16Array(capacity)
  readonly #sizes = new Uint16Array(capacity)
  #newest = 0
  #count = 0
  #size = 0
  #limit = maxTableSize
  #block: Uint8Array = decoded
  #at = 0
  #end = 0
  /** The text that was read last. */
  #text: Uint8Array = decoded
  #textAt = 0
  #textEnd = 0

  check(block: Uint8Array, from: number, to: number): BlockVerdict {
    this.#block = block
    this.#at = from
    this.#end = to
    let validity = allValid
    try {
      while (this.#at < to) validity &= this.#readField()
    } catch (error) {
      if (error instanceof BrokenBlock) return 'broken'
      throw error
    }
    return validity === allValid ? 'valid' : 'malformed'
  }

  /** Reads a representation (RFC 7541 section 6); returns the validity of its field. */
  #readField(): number {
    const first = this.#block[this.#at] as number
    if (first >= 0x80) {
      const index = this.#readInteger(7)
      return this.#isStatic(index) ? allValid : (this.#validities[this.#place(index)] as number)
    }
    if (first >= 0x40) return this.#readLiteral(6, true)
    if (first < 0x20) return this.#readLiteral(4, false)
    this.#limit = this.#readInteger(5)
    if (this.#limit > maxTableSize) throw new BrokenBlock()
    this.#limitTo(this.#limit)
    return allValid
  }

  #readLiteral(prefix: 4 | 6, isIndexed: boolean): number {
    const index = this.#readInteger(prefix)
    let nameLength = 0
    let isValid = true
    if (index === 0) {
      this.#readText()
      nameLength = this.#textEnd - this.#textAt
      isValid = isName(this.#text, this.#textAt, this.#textEnd)
    } else if (this.#isStatic(index)) nameLength = staticNameLengths[index] as number
    else {
      const place = this.#place(index)
      nameLength = this.#nameLengths[place] as number
      isValid = ((this.#validities[place] as number) & nameIsValid) !== 0
    }
    this.#readText()
    let validity = isValid ? nameIsValid : 0
    if (isValid && isValue(this.#text, this.#textAt, this.#textEnd)) validity |= fieldIsValid
    if (isIndexed) this.#add(validity, nameLength, nameLength + this.#textEnd - this.#textAt)
    return validity
  }

  /** RFC 7541 section 4.4. */
  #add(validity: number, nameLength: number, length: number): void {
    const size = length + entryOverhead
    this.#limitTo(this.#limit - size)
    if (size > this.#limit) return
    this.#newest = (this.#newest + 1) % capacity
    this.#validities[this.#newest] = validity
    this.#nameLengths[this.#newest] = nameLength
    this.#sizes[this.#newest] = size
    this.#count += 1
    this.#size += size
  }

  #isStatic(index: number): boolean {
    if (index === 0) throw new BrokenBlock()
    return index < staticNameLengths.length
  }

  /** Position of an entry in the dynamic table (RFC 7541 section 2.3.3). */
  #place(index: number): number {
    const age = index - staticNameLengths.length
    if (age >= this.#count) throw new BrokenBlock()
    return (this.#newest - age + capacity) % capacity
  }

  /** Evicts entries until they need no more than `size`. */
  #limitTo(size: number): void {
    while (this.#count > 0 && this.#size > size) {
      this.#count -= 1
      this.#size -= this.#sizes[(this.#newest - this.#count + capacity) % capacity] as number
    }
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

  /** RFC 7541 section 5.2. The text is there until the next one is read. */
  #readText(): void {
    if (this.#at >= this.#end) throw new BrokenBlock()
    const isCoded = (this.#block[this.#at] as number) >= 0x80
    const length = this.#readInteger(7)
    const from = this.#at
    this.#at += length
    if (this.#at > this.#end) throw new BrokenBlock()
    this.#text = isCoded ? decoded : this.#block
    this.#textAt = isCoded ? 0 : from
    this.#textEnd = isCoded ? decodeHuffman(this.#block, from, this.#at, decoded) : this.#at
    if (this.#textEnd < 0) throw new BrokenBlock()
  }

  #next(): number {
    if (this.#at >= this.#end) throw new BrokenBlock()
    const byte = this.#block[this.#at] as number
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

function isName(bytes: Uint8Array, begin: number, end: number): boolean {
  const from = bytes[begin] === colon ? begin + 1 : begin
  for (let at = from; at < end; at += 1) if (nameBytes[bytes[at] as number] === 0) return false
  return end > from
}

function isValue(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (valueBytes[bytes[at] as number] === 0) return false
  return from === to || !(isBlank(bytes[from] as number) || isBlank(bytes[to - 1] as number))
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09
