/** What a worker asks of one target at a time, whatever the protocol: over HTTP/1.1 each exchange is a connection. */
export type PeerLimits = {
  /** Exchanges that a target serves; more go to another one, or wait. */
  readonly busy: number
  /** Exchanges that wait for a target of one pool; more are refused. */
  readonly waiting: number
}

/** Limits that a healthy service never meets. */
export const usualPeerLimits: PeerLimits = { busy: 1_024, waiting: 1_024 }
