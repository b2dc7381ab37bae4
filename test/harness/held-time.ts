import type { Clock } from '../../src/lib/clock.ts'
import type { Timers } from '../../src/proxy/health/start-checks.ts'

/** A clock and timers that the test advances. */
export type HeldTime = {
  readonly clock: Clock
  readonly timers: Timers
  /** Number of active timers. */
  readonly running: number
  /** Advances the time; due timers fire in order. */
  pass(milliseconds: number): void
}

type Timer = { readonly interval: number; readonly act: () => void; at: number }

export function holdTime(start = 1_800_000_000_000): HeldTime {
  let now = start
  const timers = new Set<Timer>()
  const nextOf = (until: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0]
  return {
    clock: { now: () => now },
    timers: {
      every(interval, act) {
        const timer = { interval, act, at: now + interval }
        timers.add(timer)
        return () => void timers.delete(timer)
      },
    },
    get running() {
      return timers.size
    },
    pass(milliseconds) {
      const until = now + milliseconds
      for (let timer = nextOf(until); timer !== undefined; timer = nextOf(until)) {
        now = timer.at
        timer.at += timer.interval
        timer.act()
      }
      now = until
    },
  }
}
