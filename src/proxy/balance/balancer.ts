import type { Exchange } from '../exchange.ts'
import type { Peer } from './peer.ts'

/** The peers of a moment. */
export type Choice = {
  /** Every peer that would be asked if all were well, in a fixed order. */
  readonly all: readonly Peer[]
  /** Those that may be asked for this try; at least one, unless `draining` holds one. */
  readonly open: readonly Peer[]
  /** Peers of weight 0: nobody is sent there who is not there already. */
  readonly draining: readonly Peer[]
}

/** Picks a peer for a try. */
export type Balancer = { pick(choice: Choice, exchange: Exchange): Peer | undefined }
