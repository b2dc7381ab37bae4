import { createHash } from 'node:crypto'
import { newHealth, type Health } from '../health/health.ts'

export type TargetAddress = {
  /** An IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** Addresses of the same machine in the other family, for Happy Eyeballs (RFC 8305). */
  readonly alternatives: readonly string[]
}

/** State that outlives a program: it is kept as long as the address is in use. */
export type TargetState = {
  /** Exchanges in flight. */
  inFlight: number
  /** Of smooth weighted round-robin. */
  currentWeight: number
  /** Peak EWMA of milliseconds to the response head, as of `observedAt`; 0 before the first response. */
  latency: number
  observedAt: number
  readonly health: Health
}

/** One resolved address of a configured target. */
export type Target = TargetAddress & {
  /** host:port as configured, with the port of an SRV record. */
  readonly hostPort: string
  /** Host without port, for TLS and the default Host field. */
  readonly name: string
  readonly weight: number
  /** Used only while no other target is healthy. */
  readonly failover: boolean
  /** Unique, and equal in every process. */
  readonly key: string
  readonly state: TargetState
}

/** A new target is healthy, as in Kong. */
export const newTargetState = (): TargetState => ({
  inFlight: 0,
  currentWeight: 0,
  latency: 0,
  observedAt: 0,
  health: newHealth(),
})

/** The value of a sticky session's cookie, which does not reveal the address. */
export const tokenOf = ({ key }: Target): string =>
  createHash('sha256').update(key).digest('hex').slice(0, 20)
