import { isIP, isIPv6, type LookupFunction, type TcpNetConnectOpts } from 'node:net'
import { assertAllowed, guardedAddress, type Egress } from '../../lib/egress.ts'

export type ConnectAddress = {
  readonly host: string
  readonly port: number
  readonly alternatives?: readonly string[]
}

/** Milliseconds before the next address is tried in parallel (RFC 8305 section 5). */
const attemptDelay = 250

/**
 * Options for `net.connect` and `tls.connect`. With alternatives, Happy Eyeballs picks the address that connects first.
 * Only allowed addresses are connected to; throws an EgressDenied when there is none.
 */
export function connectOptions(target: ConnectAddress, egress: Egress): TcpNetConnectOpts {
  const { port, alternatives = [] } = target
  const host = target.host.replace(/^\[|\]$/g, '')
  if (isIP(host) === 0 || alternatives.length === 0) return guardedAddress(egress, host, port)
  const addresses = [host, ...alternatives]
  const allowed = addresses.filter((address) => egress.refusalOf(address, port) === undefined)
  if (allowed.length === 0) assertAllowed(egress, host, port)
  const known = allowed.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  const lookup: LookupFunction = (_name, _options, answer) => answer(null, known)
  return {
    // Must be a name: Node calls `lookup` only for names.
    host: 'peer.invalid',
    port,
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: attemptDelay,
  }
}
