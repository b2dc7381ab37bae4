/** Limits of one worker for each target, whatever the protocol. Over HTTP/1.1 each exchange in flight is a connection. */
export type TargetLimits = {
  /** Exchanges in flight to one target; further ones go to another target or wait. */
  readonly inFlight: number
  /** Exchanges that wait for a target of one pool; further ones are refused. */
  readonly waiting: number
}

export const defaultTargetLimits: TargetLimits = { inFlight: 1_024, waiting: 1_024 }
