/** What repeats; handed in, so that a test may decide when. */
export type Timers = {
  /** Calls `act` every so many milliseconds; returns how to stop that. */
  every(milliseconds: number, act: () => void): () => void
}

/** The machine's timers; they keep no process alive. */
export const systemTimers: Timers = {
  every(milliseconds, act) {
    const timer = setInterval(act, milliseconds)
    timer.unref()
    return () => clearInterval(timer)
  },
}
