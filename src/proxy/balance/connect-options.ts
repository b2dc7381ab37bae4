import { isIPv6, type LookupFunction, type TcpNetConnectOpts } from 'node:net'

/** An address, and those of the same machine in the other family. */
export type ConnectAddress = {
  readonly host: string
  readonly port: number
  readonly alternatives?: readonly string[]
}

/** Milliseconds that an address has to answer before the one after it is tried (RFC 8305 section 5). */
const attemptDelay = 250

/** How to reach a target with `net.connect` or `tls.connect`: by its address or, where it has one in the other family too, by whichever answers first. */
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
    // A name that is no address, because addresses are not looked up.
    host: 'peer.invalid',
    port,
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: attemptDelay,
  }
}
