import { maxCodePoint, wordSet, type CharSet } from './char-set.ts'

/** The kinds of characters that assertions distinguish; `none` is the start or end of the text. */
export const neighbor = { none: 0, lineFeed: 1, word: 2, other: 3 } as const

/** Equivalence classes of characters: characters that no part of an expression distinguishes share a class, which keeps transition tables small. */
export type CharClasses = {
  /** Number of classes, without the end of the text. */
  readonly count: number
  of(point: number): number
  /** For each class, 1 if the set contains it. */
  acceptedBy(set: CharSet): Uint8Array
  /** The `neighbor` kind of each class. */
  readonly neighbors: readonly number[]
}

export function buildClasses(sets: Iterable<CharSet>): CharClasses {
  const borders = new Set([0, 0x0a, 0x0b])
  for (const set of [wordSet, ...sets]) {
    for (let at = 0; at < set.length; at += 2) {
      borders.add(set[at] as number)
      borders.add((set[at + 1] as number) + 1)
    }
  }
  borders.delete(maxCodePoint + 1)
  const starts = Uint32Array.from(borders).sort()
  const low = Uint16Array.from({ length: 256 }, (_, point) => lastAtMost(starts, point))
  return {
    count: starts.length,
    of: (point) => (point < 256 ? (low[point] as number) : lastAtMost(starts, point)),
    acceptedBy: (set) => Uint8Array.from(starts, (start) => Number(has(set, start))),
    neighbors: Array.from(starts, (start) => {
      if (start === 0x0a) return neighbor.lineFeed
      return has(wordSet, start) ? neighbor.word : neighbor.other
    }),
  }
}

function lastAtMost(starts: Uint32Array, point: number): number {
  let low = 0
  let high = starts.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((starts[middle] as number) <= point) low = middle
    else high = middle
  }
  return low
}

function has(set: CharSet, point: number): boolean {
  for (let at = 0; at < set.length; at += 2) {
    if (point >= (set[at] as number) && point <= (set[at + 1] as number)) return true
  }
  return false
}
