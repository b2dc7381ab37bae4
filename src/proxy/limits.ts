/** Limits of the front. */
export type FrontLimits = {
  /** Largest request head in bytes. */
  readonly headBytes: number
  /** Largest request body in bytes; 0 for no limit. */
  readonly bodyBytes: number
  /** From the first byte of a head to its last. */
  readonly headMilliseconds: number
  /** Between two parts of a body. */
  readonly bodyMilliseconds: number
  /** Between two requests of a connection. */
  readonly idleMilliseconds: number
  /** While a client reads nothing of its response. */
  readonly writeMilliseconds: number
}

/** Limits as nginx has them. */
export const defaultFrontLimits: FrontLimits = {
  headBytes: 32_768,
  bodyBytes: 0,
  headMilliseconds: 60_000,
  bodyMilliseconds: 60_000,
  idleMilliseconds: 75_000,
  writeMilliseconds: 60_000,
}

/** Limits of concurrent work of a worker. */
export type AdmissionLimits = {
  /** Requests in flight; more wait, and fewer are admitted while the event loop lags. Infinity disables admission control. */
  readonly inFlight: number
  /** Requests that wait; more are refused. */
  readonly waiting: number
  /** Open connections of clients; more are closed. */
  readonly connections: number
  /** UDP sessions; datagrams of further clients are dropped, unless another session is idle. */
  readonly udpSessions: number
}

export type RequestLimits = Pick<AdmissionLimits, 'inFlight' | 'waiting'>

/** Limits that a healthy worker never reaches. */
export const defaultAdmissionLimits: AdmissionLimits = {
  inFlight: 8_192,
  waiting: 1_024,
  connections: 16_384,
  udpSessions: 4_096,
}

/** Limits of a worker's concurrent exchanges with one target, for any protocol. Over HTTP/1.1 each exchange is a connection. */
export type TargetLimits = {
  /** Exchanges that a target serves; more go to another one, or wait. */
  readonly inFlight: number
  /** Exchanges that wait for a target of one pool; more are refused. */
  readonly waiting: number
}

/** Limits that a healthy service never reaches. */
export const defaultTargetLimits: TargetLimits = { inFlight: 1_024, waiting: 1_024 }
