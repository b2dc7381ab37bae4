import type { Clock } from '../../src/lib/clock.ts'
import type { Timers } from '../../src/proxy/health/start-checks.ts'

/** A clock and timers that the test advances. */
export type FakeTime = {
  readonly clock: Clock
  readonly timers: Timers
  /** Number of active timers. */
  readonly running: number
  /** Advances the time; due timers fire in order. */
  advance(milliseconds: number): void
}

type Timer = { readonly interval: number; readonly callback: () => void; at: number }

export function createFakeTime(start = 1_800_000_000_000): FakeTime {
  let now = start
  const timers = new Set<Timer>()
  const nextOf = (until: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0]
  return {
    clock: { now: () => now },
    timers: {
      every(interval, callback) {
        const timer = { interval, callback, at: now + interval }
        timers.add(timer)
        return () => void timers.delete(timer)
      },
    },
    get running() {
      return timers.size
    },
    advance(milliseconds) {
      const until = now + milliseconds
      for (let timer = nextOf(until); timer !== undefined; timer = nextOf(until)) {
        now = timer.at
        timer.at += timer.interval
        timer.callback()
      }
      now = until
    },
  }
}
