import { isIPv6, type LookupFunction, type TcpNetConnectOpts } from 'node:net'

export type ConnectAddress = {
  readonly host: string
  readonly port: number
  readonly alternatives?: readonly string[]
}

/** Milliseconds before the next address is tried in parallel (RFC 8305 section 5). */
const attemptDelay = 250

/** Options for `net.connect` and `tls.connect`. With alternatives, Happy Eyeballs picks the address that connects first. */
export function connectOptions(target: ConnectAddress): TcpNetConnectOpts {
  const { port, alternatives = [] } = target
  const host = target.host.replace(/^\[|\]$/g, '')
  if (alternatives.length === 0) return { host, port }
  const known = [host, ...alternatives].map((address) => ({
    address,
    family: isIPv6(address) ? 6 : 4,
  }))
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
