/** How much a worker takes on at a time. */
export type AdmissionLimits = {
  /** Requests in flight; more wait, and fewer are taken while the event loop is too busy. Infinite for no admission at all. */
  readonly inFlight: number
  /** Requests that wait; more are refused. */
  readonly waiting: number
  /** Open connections of clients; more are closed. */
  readonly connections: number
}

/** Limits that a worker in health never meets. */
export const usualAdmission: AdmissionLimits = {
  inFlight: 8_192,
  waiting: 1_024,
  connections: 16_384,
}
