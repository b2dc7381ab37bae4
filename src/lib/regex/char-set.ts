/** A set of code points as sorted, disjoint pairs of first and last. */
export type CharSet = readonly number[]

export const maxCodePoint = 0x10_ffff

/** Sorts and merges pairs of first and last. */
export function union(pairs: readonly number[]): CharSet {
  if (pairs.length === 2) return pairs
  const ranges: [number, number][] = []
  for (let at = 0; at < pairs.length; at += 2)
    ranges.push([pairs[at] as number, pairs[at + 1] as number])
  ranges.sort((a, b) => a[0] - b[0])
  const joined: number[] = []
  for (const [first, last] of ranges) {
    const end = joined.at(-1)
    if (end === undefined || first > end + 1) joined.push(first, last)
    else if (last > end) joined[joined.length - 1] = last
  }
  return joined
}

export function negate(set: CharSet): CharSet {
  const outside: number[] = []
  let next = 0
  for (let at = 0; at < set.length; at += 2) {
    if ((set[at] as number) > next) outside.push(next, (set[at] as number) - 1)
    next = (set[at + 1] as number) + 1
  }
  if (next <= maxCodePoint) outside.push(next, maxCodePoint)
  return outside
}

// Case folding covers Latin, Greek and Cyrillic.
const lastFolded = 0x52f

/** Adds the other case of every letter. */
export function foldCase(set: CharSet): CharSet {
  const both: number[] = [...set]
  for (let at = 0; at < set.length; at += 2) {
    const last = Math.min(set[at + 1] as number, lastFolded)
    for (let point = set[at] as number; point <= last; point++) {
      const letter = String.fromCodePoint(point)
      for (const other of [letter.toLowerCase(), letter.toUpperCase()]) {
        const folded = other.codePointAt(0) as number
        if (folded !== point && other.length === 1 && isSameLetter(folded, point))
          both.push(folded, folded)
      }
    }
  }
  return union(both)
}

/** ASCII letters fold to ASCII letters only, so that `k` does not accept the Kelvin sign. */
const isSameLetter = (one: number, other: number): boolean => one < 0x80 === other < 0x80

const digits = [0x30, 0x39]
const lower = [0x61, 0x7a]
const upper = [0x41, 0x5a]
const blanks = [0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x2028, 0x2029, 0xfeff, 0xfeff]

/** ASCII letters, digits and the underscore: the characters of `\w` and `\b`. */
export const wordSet: CharSet = union([...digits, ...upper, 0x5f, 0x5f, ...lower])

/** The sets of `\d`, `\w`, … by letter. */
export const escapedSets: Readonly<Record<string, CharSet>> = {
  d: digits,
  w: wordSet,
  s: union(blanks),
  h: union([0x09, 0x09, 0x20, 0x20, 0xa0, 0xa0]),
  D: negate(digits),
  W: negate(wordSet),
  S: negate(union(blanks)),
  H: negate(union([0x09, 0x09, 0x20, 0x20, 0xa0, 0xa0])),
}

/** The POSIX classes, `[:alpha:]` and others, by name. */
export const namedSets: Readonly<Record<string, CharSet>> = {
  alnum: union([...digits, ...upper, ...lower]),
  alpha: union([...upper, ...lower]),
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0x00, 0x1f, 0x7f, 0x7f],
  digit: digits,
  graph: [0x21, 0x7e],
  lower,
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper,
  word: wordSet,
  xdigit: union([...digits, 0x41, 0x46, 0x61, 0x66]),
}
