import type { SocketDuty } from '../planes/messages.ts'
import type { ListenAddress, PlaneSettings } from '../planes/plane-settings.ts'
import { bindListeningSockets, type ListeningSocket } from './listening-socket.ts'
import type { PlaneAddresses } from './messages.ts'

/** The listening sockets of one worker. */
export type WorkerSockets = {
  readonly plain: ListeningSocket
  readonly others: readonly (ListeningSocket & { readonly duty: SocketDuty })[]
}

/** The listening sockets of the gateway workers of a node. */
export type ProxyListeners = {
  readonly workers: readonly WorkerSockets[]
  readonly addresses: NonNullable<PlaneAddresses['gateway']>
  /** Listening addresses, with port 0 replaced by the port that was bound. */
  readonly listens: Pick<PlaneSettings, 'proxyListen' | 'proxySslListen' | 'streamListens'>
  /** All sockets, under the keys by which a successor looks them up. */
  readonly byKey: ReadonlyMap<string, ListeningSocket>
}

/** Binds the sockets of all workers that are not among the `inherited` ones. */
export function bindProxyListeners(
  { proxyListen, proxySslListen, streamListens, workers }: PlaneSettings,
  inherited: ReadonlyMap<string, ListeningSocket> = new Map(),
): ProxyListeners {
  const byKey = new Map<string, ListeningSocket>()
  const bind = (
    kind: string,
    address: ListenAddress & { readonly isUdp?: boolean },
  ): readonly ListeningSocket[] => {
    const keyOf = (slot: number): string => `${kind} ${address.host}:${address.port} ${slot}`
    const known = Array.from({ length: workers }, (_, slot) => inherited.get(keyOf(slot)))
    const bound = bindListeningSockets(address, known)
    for (const [slot, socket] of bound.entries()) byKey.set(keyOf(slot), socket)
    return bound
  }
  const plain = bind('proxy', proxyListen)
  const duties: readonly (readonly [SocketDuty, ListenAddress])[] = [
    ...(proxySslListen === undefined ? [] : [['secure', proxySslListen] as const]),
    ...streamListens.map((listen) => [listen, listen] as const),
  ]
  const others = duties.map(([duty, address], index) =>
    bind(`${kindOf(duty)} ${index}`, address).map((socket) => ({
      ...socket,
      duty,
    })),
  )
  return {
    workers: plain.map((socket, slot) => ({
      plain: socket,
      others: others.flatMap((sockets) => sockets[slot] ?? []),
    })),
    addresses: {
      proxy: `http://${proxyListen.host}:${plain[0]?.port}`,
      proxySsl: proxySslListen && `https://${proxySslListen.host}:${others[0]?.[0]?.port}`,
    },
    listens: {
      proxyListen: withPort(proxyListen, plain),
      ...(proxySslListen && { proxySslListen: withPort(proxySslListen, others[0]) }),
      streamListens: streamListens.map((listen, index) =>
        withPort(listen, others[others.length - streamListens.length + index]),
      ),
    },
    byKey,
  }
}

const kindOf = (duty: SocketDuty): string =>
  duty === 'secure' ? duty : duty.isUdp === true ? 'udp' : 'stream'

const withPort = <Listen extends ListenAddress>(
  listen: Listen,
  [socket]: readonly ListeningSocket[] = [],
): Listen => ({ ...listen, port: socket?.port ?? listen.port })
