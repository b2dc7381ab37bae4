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
const symbols = codeLengths
  .map((length, byte) => ({ length, byte }))
  .toSorted((a, b) => a.length - b.length || a.byte - b.byte)
  .map(({ byte }) => byte)
for (const length of codeLengths) counts[length] = (counts[length] ?? 0) + 1
for (let length = 1; length <= longest; length += 1) {
  const before = counts[length - 1] as number
  firsts[length] = ((firsts[length - 1] as number) + before) << 1
  starts[length] = (starts[length - 1] as number) + before
}

/** Decodes bytes into `out`, which is long enough for 8/5 of them. Returns the number of decoded bytes, or -1 when the code or its padding is malformed. */
export function decodeHuffman(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
): number {
  let [size, code, length] = [0, 0, 0]
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number
    for (let shift = 7; shift >= 0; shift -= 1) {
      code = (code << 1) | ((byte >> shift) & 1)
      length += 1
      if (length > longest) return -1
      const offset = code - (firsts[length] as number)
      if (offset < 0 || offset >= (counts[length] as number)) continue
      out[size] = symbols[(starts[length] as number) + offset] as number
      size += 1
      code = 0
      length = 0
    }
  }
  return length < 8 && code === (1 << length) - 1 ? size : -1
}
