/** Delays for a thing that keeps failing: doubling from `first` to `longest` milliseconds, each with up to half of jitter taken off. */
export type Backoff = {
  /** The next delay in milliseconds. */
  next(): number
  /** Call when it worked, so that the next failure starts small again. */
  reset(): void
}

/** Opens a Backoff; `random` gives numbers in [0, 1). */
export function openBackoff(
  first: number,
  longest: number,
  random: () => number = Math.random,
): Backoff {
  let delay = first
  return {
    next() {
      const current = delay
      delay = Math.min(delay * 2, longest)
      return current * (1 - random() / 2)
    },
    reset() {
      delay = first
    },
  }
}
