/** The source of time; passed in, so that tests can control it. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

const epochMicroseconds = Math.round(performance.timeOrigin * 1000)

/** Microseconds since the Unix epoch, monotonic within a process. */
export const nowMicroseconds = (): number =>
  epochMicroseconds + Math.round(performance.now() * 1000)
