import type { AdmissionLimits } from '../limits.ts'
import { Admission } from './admission.ts'
import { watchTurns } from './watch-turns.ts'

/** Admission at work. */
export type OpenAdmission = Pick<Admission, 'enter' | 'leave'> & {
  readonly inFlight: number
  readonly waiting: number
  close(): void
}

const sweepMilliseconds = 10
const observeMilliseconds = 100

/** Opens admission over the event loop of this process. */
export function openAdmission(limits: AdmissionLimits): OpenAdmission {
  const admission = new Admission(limits)
  const turnLength = watchTurns()
  const observe = (): void => admission.observe(turnLength())
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
    enter(applicant) {
      const waiting = admission.enter(applicant)
      if (waiting !== undefined) sweeping ??= setInterval(sweep, sweepMilliseconds)
      return waiting
    },
    leave: (applicant) => admission.leave(applicant),
    get inFlight() {
      return admission.inFlight
    },
    get waiting() {
      return admission.waiting
    },
    close() {
      clearInterval(observing)
      clearInterval(sweeping)
    },
  }
}
