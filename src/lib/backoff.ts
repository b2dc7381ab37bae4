/** Exponential backoff with jitter: delays double from `first` to `max` milliseconds, and each is shortened by up to half. */
export type Backoff = {
  /** The next delay in milliseconds. */
  next(): number
  /** Starts again at the first delay. Call after a success. */
  reset(): void
}

/** `random` returns numbers in [0, 1). */
export function openBackoff(
  first: number,
  max: number,
  random: () => number = Math.random,
): Backoff {
  let delay = first
  return {
    next() {
      const current = delay
      delay = Math.min(delay * 2, max)
      return current * (1 - random() / 2)
    },
    reset() {
      delay = first
    },
  }
}
