/** A reproducible random number generator. */
export type Random = {
  /** Uniform in [0, 1). */
  next(): number
  /** True with the given probability. */
  happens(share: number): boolean
  /** Log-normal: half of the values are below `median`; `spread` is the deviation of their logarithms. */
  logNormal(median: number, spread: number): number
  /** One of the items, with a probability proportional to its weight. */
  pick<T extends { readonly weight: number }>(items: readonly T[]): T
}

/** Creates a generator based on mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return {
    next,
    happens: (share) => next() < share,
    logNormal: (median, spread) => median * Math.exp(spread * normal(next)),
    pick: (items) => pick(items, next()),
  }
}

/** Box–Muller transform. */
function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

function pick<T extends { readonly weight: number }>(items: readonly T[], share: number): T {
  let rest = share * items.reduce((sum, item) => sum + item.weight, 0)
  const found = items.find((item) => (rest -= item.weight) < 0) ?? items.at(-1)
  if (found === undefined) throw new RangeError('No items to pick from.')
  return found
}
