import { performance } from 'node:perf_hooks'
import type { RequestLimits } from '../limits.ts'
import { Admission } from './admission.ts'
import { openRunClock } from './run-clock.ts'

export type OpenAdmission = Pick<Admission, 'enter' | 'leave'> & {
  readonly inFlight: number
  readonly waiting: number
  close(): void
}

const sweepMilliseconds = 10
const observeMilliseconds = 100

/** Admission that observes the event loop of this process. */
export function openAdmission(limits: RequestLimits): OpenAdmission {
  const clock = openRunClock()
  const admission = new Admission(limits, clock.now)
  const eventLoopLag = measureEventLoopLag(clock.delayed)
  const observe = (): void => admission.observe(eventLoopLag())
  const isLimited = Number.isFinite(limits.inFlight)
  const observing = isLimited ? setInterval(observe, observeMilliseconds).unref() : undefined
  let sweeping: NodeJS.Timeout | undefined
  const sweep = (): void => {
    admission.sweep()
    if (admission.waiting > 0) return
    clearInterval(sweeping)
    sweeping = undefined
  }
  return {
    enter(entering) {
      const waiting = admission.enter(entering)
      if (waiting !== undefined) sweeping ??= setInterval(sweep, sweepMilliseconds)
      return waiting
    },
    leave: (entering) => admission.leave(entering),
    get inFlight() {
      return admission.inFlight
    },
    get waiting() {
      return admission.waiting
    },
    close() {
      clearInterval(observing)
      clearInterval(sweeping)
      clock.close()
    },
  }
}

/** Returns the mean time that an event-loop iteration took since the last call, in milliseconds, without idle time and without time in which other processes had the CPU. */
function measureEventLoopLag(delayed: () => number): () => number {
  const read = () => ({ ...readEventLoop(), delayed: delayed() })
  let before = read()
  return () => {
    const now = read()
    const turns = Math.max(1, now.turns - before.turns)
    // A delay before an idle process wakes up counts as idle, so that more may be subtracted than was busy.
    const busy = Math.max(0, now.busy - before.busy - (now.delayed - before.delayed))
    before = now
    return busy / turns
  }
}

/** libuv keeps these counters, so measuring costs nothing per request. */
const readEventLoop = (): { turns: number; busy: number } => ({
  turns: performance.nodeTiming.uvMetricsInfo.loopCount,
  busy: performance.eventLoopUtilization().active,
})
