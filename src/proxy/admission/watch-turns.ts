import { performance } from 'node:perf_hooks'

/** Gives the mean length of the event loop's turns since the last call, in milliseconds, without what it spent waiting for something to do. */
export function watchTurns(): () => number {
  let before = read()
  return () => {
    const now = read()
    const turns = Math.max(1, now.turns - before.turns)
    const busy = now.busy - before.busy
    before = now
    return busy / turns
  }
}

/** Counted by libuv itself, so that watching costs nothing per request. */
const read = (): { turns: number; busy: number } => ({
  turns: performance.nodeTiming.uvMetricsInfo.loopCount,
  busy: performance.eventLoopUtilization().active,
})
