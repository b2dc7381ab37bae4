import { closeSync, openSync, readSync } from 'node:fs'

/** A clock that stands still while other processes have the CPU that this one could use. */
export type RunClock = {
  /** Milliseconds. */
  now(this: void): number
  /** Milliseconds so far in which this process was ready to run and had no CPU. */
  delayed(this: void): number
  close(): void
}

/** Milliseconds for which a reading is used. */
const maxAge = 5

/** Opens the clock of this process. Without Linux's scheduler statistics it counts all time. */
export function openRunClock(): RunClock {
  let statistics = openStatistics()
  const text = Buffer.alloc(80)
  let delay = 0
  let readAt = Number.NEGATIVE_INFINITY
  const read = (wall: number): number => {
    if (statistics === undefined || wall - readAt < maxAge) return delay
    readAt = wall
    const length = readSync(statistics, text, 0, text.length, 0)
    // Nanoseconds on the CPU, nanoseconds waiting for it, time slices: Documentation/scheduler/sched-stats.rst.
    delay = Number(text.toString('latin1', 0, length).split(' ')[1]) / 1e6
    return delay
  }
  return {
    now() {
      const wall = performance.now()
      return wall - read(wall)
    },
    delayed: () => read(performance.now()),
    close() {
      if (statistics !== undefined) closeSync(statistics)
      statistics = undefined
    },
  }
}

function openStatistics(): number | undefined {
  try {
    return openSync('/proc/self/schedstat', 'r')
  } catch {
    return undefined
  }
}
