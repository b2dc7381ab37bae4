/** Bits of the code of each byte (RFC 7541 Appendix B). The code is canonical: it follows from the lengths. */
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
  28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5,
  6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6,
  7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23,
  23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22,
  22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
  23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27,
  27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25,
  24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
]

const longest = 30
/** For each length: the first code, the number of codes, and where their bytes begin in `symbols`. */
const firsts = new Uint32Array(longest + 1)
const counts = new Uint32Array(longest + 1)
const starts = new Uint32Array(longest + 1)
const symbols = Uint8Array.from(
  codeLengths
    .map((length, byte) => ({ length, byte }))
    .toSorted((a, b) => a.length - b.length || a.byte - b.byte)
    .map(({ byte }) => byte),
)
for (const length of codeLengths) counts[length] = (counts[length] ?? 0) + 1
for (let length = 1; length <= longest; length += 1) {
  const before = counts[length - 1] as number
  firsts[length] = ((firsts[length - 1] as number) + before) << 1
  starts[length] = (starts[length - 1] as number) + before
}

/** For each 8 bits, the code of up to 8 bits that begins them: its byte, times 16, plus its length. 0 for a longer code; all frequent characters have short ones. */
const shortCodes = new Uint16Array(256)
for (let length = 1; length <= 8; length += 1) {
  const count = 1 << (8 - length)
  for (let offset = 0; offset < (counts[length] as number); offset += 1) {
    const code = (firsts[length] as number) + offset
    const symbol = symbols[(starts[length] as number) + offset] as number
    shortCodes.fill((symbol << 4) | length, code * count, (code + 1) * count)
  }
}

/** Decodes bytes into `out`, which is long enough for 8/5 of them. Returns the number of decoded bytes, or -1 when the code or its padding is malformed. */
export function decodeHuffman(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
): number {
  const end = to * 8
  let size = 0
  let bit = from * 8
  while (bit < end) {
    const at = bit >> 3
    const pair = ((bytes[at] as number) << 8) | (at + 1 < to ? (bytes[at + 1] as number) : 0xff)
    const found = shortCodes[(pair >> (8 - (bit & 7))) & 0xff] as number
    if (found > 0) {
      bit += found & 0xf
      // The padding begins a code that is not all ones.
      if (bit > end) return -1
      out[size] = found >> 4
      size += 1
      continue
    }
    let [code, length, offset, count] = [0, 0, 0, 0]
    do {
      if (bit === end) return length < 8 && code === (1 << length) - 1 ? size : -1
      if (length === longest) return -1
      code = (code << 1) | (((bytes[bit >> 3] as number) >> (7 - (bit & 7))) & 1)
      bit += 1
      length += 1
      offset = code - (firsts[length] as number)
      count = counts[length] as number
    } while (offset < 0 || offset >= count)
    out[size] = symbols[(starts[length] as number) + offset] as number
    size += 1
  }
  return size
}
