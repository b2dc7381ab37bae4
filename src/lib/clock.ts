/** Where the time comes from; handed in, so that a test may hold it still. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() }

const epochMicroseconds = Math.round(performance.timeOrigin * 1000)

/** Microseconds since the Unix epoch, never running backwards within a process. */
export const nowMicroseconds = (): number =>
  epochMicroseconds + Math.round(performance.now() * 1000)
