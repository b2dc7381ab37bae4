/** A set of code points: pairs of first and last, in order, without overlap. */
export type CharSet = readonly number[]

/** The highest code point of Unicode. */
export const highest = 0x10_ffff

/** The union of any number of pairs of first and last, in any order. */
export function unionOf(pairs: readonly number[]): CharSet {
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

/** Everything that is not in the set. */
export function negationOf(set: CharSet): CharSet {
  const outside: number[] = []
  let next = 0
  for (let at = 0; at < set.length; at += 2) {
    if ((set[at] as number) > next) outside.push(next, (set[at] as number) - 1)
    next = (set[at + 1] as number) + 1
  }
  if (next <= highest) outside.push(next, highest)
  return outside
}

// Latin, Greek and Cyrillic; beyond these a letter is only itself.
const lastFolded = 0x52f

/** The set with every letter in both cases. */
export function foldedOf(set: CharSet): CharSet {
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
  return unionOf(both)
}

/** ASCII letters fold among themselves only, so that `k` does not accept the Kelvin sign. */
const isSameLetter = (one: number, other: number): boolean => one < 0x80 === other < 0x80

const digits = [0x30, 0x39]
const lower = [0x61, 0x7a]
const upper = [0x41, 0x5a]
const blanks = [0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x2028, 0x2029, 0xfeff, 0xfeff]

/** ASCII letters, digits and the underscore: what `\w` and `\b` mean. */
export const wordSet: CharSet = unionOf([...digits, ...upper, 0x5f, 0x5f, ...lower])

/** What a letter after a backslash stands for. */
export const escapedSets: Readonly<Record<string, CharSet>> = {
  d: digits,
  w: wordSet,
  s: unionOf(blanks),
  h: unionOf([0x09, 0x09, 0x20, 0x20, 0xa0, 0xa0]),
  D: negationOf(digits),
  W: negationOf(wordSet),
  S: negationOf(unionOf(blanks)),
  H: negationOf(unionOf([0x09, 0x09, 0x20, 0x20, 0xa0, 0xa0])),
}

/** The names that may stand between `[:` and `:]`. */
export const namedSets: Readonly<Record<string, CharSet>> = {
  alnum: unionOf([...digits, ...upper, ...lower]),
  alpha: unionOf([...upper, ...lower]),
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
  xdigit: unionOf([...digits, 0x41, 0x46, 0x61, 0x66]),
}
