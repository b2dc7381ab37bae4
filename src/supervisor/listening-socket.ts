import dgram from 'node:dgram'
import net from 'node:net'
import { Problem } from '../lib/problem.ts'
import type { ListenAddress } from '../planes/plane-settings.ts'

/** A bound TCP socket on which this process never accepts, or a UDP socket from which it never receives. */
export type ListeningSocket = {
  /** Sent to a child process, which listens on it. */
  readonly handle: object
  readonly port: number
  close(): void
}

type Handle = { getsockname(out: { port?: number }): number; close(): void }
type Bind = [host: string, port: number, type: 4 | 6, descriptor: undefined, flags: number]
type CreateHandle = (...bind: Bind) => Handle | number
type UdpHandle = Handle & { bind(host: string, port: number, flags: number): number }

/** UV_TCP_REUSEPORT and UV_UDP_REUSEPORT of libuv. */
const [reusePort, reuseUdpPort] = [2, 64]

/** Binds a socket that shares its port with the sockets of the other workers, so that the kernel spreads connections over
 *  them. The supervisor keeps it open: connections wait in it while its worker is restarted or replaced. Node's cluster
 *  module makes its shared handles with the same function; no documented one binds without accepting. */
function bindListeningSocket({ host, port }: ListenAddress): ListeningSocket {
  const create = (net as unknown as { _createServerHandle: CreateHandle })._createServerHandle
  const handle = create(host, port, net.isIPv6(host) ? 6 : 4, undefined, reusePort)
  if (typeof handle === 'number') throw listenFailed({ host, port }, handle)
  return adoptListeningSocket(handle, portOf(handle, port))
}

/** Binds a UDP socket likewise. `bind` of Node's socket would receive, so this is that of the handle within it. */
function bindUdpSocket({ host, port }: ListenAddress): ListeningSocket {
  const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4')
  const state = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'state symbol',
  ) as symbol
  const { handle } = (socket as unknown as Record<symbol, { readonly handle: UdpHandle }>)[
    state
  ] as { readonly handle: UdpHandle }
  const failure = handle.bind(host, port, reuseUdpPort)
  if (failure !== 0) {
    handle.close()
    throw listenFailed({ host, port }, failure)
  }
  return adoptListeningSocket(handle, portOf(handle, port))
}

function portOf(handle: Handle, wanted: number): number {
  const bound: { port?: number } = {}
  handle.getsockname(bound)
  return bound.port ?? wanted
}

const listenFailed = ({ host, port }: ListenAddress, code: number): Problem =>
  new Problem('listen.failed', 500, `Cannot listen on ${host}:${port}: ${describeError(code)}`)

/** Binds a socket for each undefined element of `known`, all on one port. */
export function bindListeningSockets(
  { host, port, isUdp }: ListenAddress & { readonly isUdp?: boolean },
  known: readonly (ListeningSocket | undefined)[],
): readonly ListeningSocket[] {
  const bind = isUdp === true ? bindUdpSocket : bindListeningSocket
  let shared = known.find((socket) => socket !== undefined)?.port ?? port
  return known.map((before) => {
    const socket = before ?? bind({ host, port: shared })
    shared = socket.port
    return socket
  })
}

/** A socket that another process bound and sent here. */
export const adoptListeningSocket = (handle: object, port: number): ListeningSocket => ({
  handle,
  port,
  close: () => (handle as Handle).close(),
})

const describeError = (code: number): string =>
  ({
    [-98]: 'the port is in use',
    [-13]: 'permission denied',
    [-99]: 'no such address on this machine',
  })[code] ?? `error ${code}`
