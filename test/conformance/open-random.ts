/** A seeded random generator. */
export type Random = {
  /** An integer in [0, below). */
  number(below: number): number
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
}

/** The generator of case `index`, independent of other cases. */
export function openRandom(seed: number, index: number): Random {
  let state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(index + 1, 0xc2b2_ae35)
  // mulberry32.
  const next = (): number => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return {
    number: (below) => Math.floor(next() * below),
    chance: (share) => next() < share,
    pick: <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T,
  }
}
