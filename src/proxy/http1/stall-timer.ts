/** Watches that something moves at least every so many milliseconds. */
export type StallTimer = {
  start(): void
  /** Something moved. */
  progress(): void
  /** From now on `milliseconds` may pass between two moves. */
  limit(milliseconds: number): void
  /** Nothing is expected to move until the next progress. */
  hold(): void
  stop(): void
}

/** Opens a StallTimer; `onStall` gets an error with code ETIMEDOUT. */
export function openStallTimer(milliseconds: number, onStall: (error: Error) => void): StallTimer {
  let timer: NodeJS.Timeout | undefined
  let current = milliseconds
  const stall = (): void =>
    onStall(Object.assign(new Error(`nothing moved for ${current} ms`), { code: 'ETIMEDOUT' }))
  const stop = (): void => {
    clearTimeout(timer)
    timer = undefined
  }
  const restart = (): void => {
    stop()
    timer = setTimeout(stall, current)
  }
  return {
    start: restart,
    progress: () => (timer === undefined ? restart() : void timer.refresh()),
    limit(next) {
      if (next === current && timer !== undefined) timer.refresh()
      else {
        current = next
        restart()
      }
    },
    hold: stop,
    stop,
  }
}
