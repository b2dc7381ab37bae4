import net from 'node:net'
import { Problem } from '../lib/problem.ts'
import type { ListenAddress } from '../planes/plane-settings.ts'

/** A bound TCP socket on which this process never accepts. */
export type ListeningSocket = {
  /** What a child process listens on. */
  readonly handle: object
  readonly port: number
  close(): void
}

type Handle = { getsockname(out: { port?: number }): number; close(): void }
type Bind = [host: string, port: number, type: 4 | 6, descriptor: undefined, flags: number]
type CreateHandle = (...bind: Bind) => Handle | number

/** UV_TCP_REUSEPORT of libuv. */
const reusePort = 2

/** Binds a socket that shares its port with the sockets of the other workers, so that the kernel spreads connections over
 *  them. The supervisor keeps it open: connections wait in it while its worker is restarted or replaced. Node's cluster
 *  module makes its shared handles with the same function; no documented one binds without accepting. */
function bindListeningSocket({ host, port }: ListenAddress): ListeningSocket {
  const create = (net as unknown as { _createServerHandle: CreateHandle })._createServerHandle
  const handle = create(host, port, net.isIPv6(host) ? 6 : 4, undefined, reusePort)
  if (typeof handle === 'number')
    throw new Problem(
      'listen.failed',
      500,
      `Cannot listen on ${host}:${port}: ${describeError(handle)}`,
    )
  const bound: { port?: number } = {}
  handle.getsockname(bound)
  return { handle, port: bound.port ?? port, close: () => handle.close() }
}

/** Binds a socket for each undefined element of `known`, all on one port. */
export function bindListeningSockets(
  { host, port }: ListenAddress,
  known: readonly (ListeningSocket | undefined)[],
): readonly ListeningSocket[] {
  let shared = known.find((socket) => socket !== undefined)?.port ?? port
  return known.map((before) => {
    const socket = before ?? bindListeningSocket({ host, port: shared })
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
  ({ [-98]: 'the port is in use', [-13]: 'permission denied', [-99]: 'no such address here' })[
    code
  ] ?? `error ${code}`
