import { createHash } from 'node:crypto'
import { freshHealth, type Health } from '../health/health.ts'

/** An address that tries go to. */
export type PeerAddress = {
  /** The address itself, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** Addresses of the same machine in the other family, for when the first does not answer (RFC 8305). */
  readonly alternatives: readonly string[]
}

/** What is remembered of a peer for as long as its address stays, whatever program runs. */
export type PeerState = {
  /** Exchanges that it serves at present. */
  busy: number
  /** Its credit in the smooth weighted round-robin. */
  turn: number
  /** Peak-sensitive moving average of milliseconds to an answer, as of `observedAt`; 0 until it answered. */
  latency: number
  observedAt: number
  readonly health: Health
}

/** One address of a target: what a balancer chooses among. */
export type Peer = PeerAddress & {
  /** host:port as the configuration has it. */
  readonly target: string
  /** Host without port: for TLS, and for the Host field when nothing else is configured. */
  readonly name: string
  readonly weight: number
  /** Asked only when no other peer can be. */
  readonly failover: boolean
  /** Unlike that of any other peer, and the same in every process. */
  readonly key: string
  readonly state: PeerState
}

/** The state of a peer of which nothing is known: healthy until it proves otherwise, as in Kong. */
export const freshState = (): PeerState => ({
  busy: 0,
  turn: 0,
  latency: 0,
  observedAt: 0,
  health: freshHealth(),
})

/** What a sticky session's cookie says instead of the address. */
export const tokenOf = ({ key }: Peer): string =>
  createHash('sha256').update(key).digest('hex').slice(0, 20)
