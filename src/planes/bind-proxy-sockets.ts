import { bindListeningSockets, type ListeningSocket } from './listening-socket.ts'
import type { LentDuty } from './messages.ts'
import type { NodeAddresses } from './node-addresses.ts'
import type { ListenAddress, PlaneSettings } from './plane-settings.ts'

/** The sockets on which the workers of a node listen. */
export type ProxySockets = {
  /** One for each worker. */
  readonly sockets: readonly ListeningSocket[]
  /** What each worker is lent beside. */
  readonly lent: readonly (readonly (ListeningSocket & { readonly duty: LentDuty })[])[]
  readonly listening: Pick<NodeAddresses, 'proxy' | 'proxySsl'>
  /** All of them under keys by which another supervisor finds those that it wants. */
  readonly byKey: ReadonlyMap<string, ListeningSocket>
}

/** Binds the sockets of all workers, as far as they are not among the `inherited`. */
export function bindProxySockets(
  { proxyListen, proxySslListen, streamListens, workers }: PlaneSettings,
  inherited: ReadonlyMap<string, ListeningSocket> = new Map(),
): ProxySockets {
  const byKey = new Map<string, ListeningSocket>()
  const bind = (kind: string, address: ListenAddress): readonly ListeningSocket[] => {
    const keyOf = (slot: number): string => `${kind} ${address.host}:${address.port} ${slot}`
    const known = Array.from({ length: workers }, (_, slot) => inherited.get(keyOf(slot)))
    const bound = bindListeningSockets(address, known)
    for (const [slot, socket] of bound.entries()) byKey.set(keyOf(slot), socket)
    return bound
  }
  const sockets = bind('proxy', proxyListen)
  const duties: readonly (readonly [LentDuty, ListenAddress])[] = [
    ...(proxySslListen === undefined ? [] : [['secure', proxySslListen] as const]),
    ...streamListens.map((listen) => [listen, listen] as const),
  ]
  const bound = duties.map(([duty, address], place) =>
    bind(`${duty === 'secure' ? duty : 'stream'} ${place}`, address).map((socket) => ({
      ...socket,
      duty,
    })),
  )
  return {
    sockets,
    lent: sockets.map((_socket, slot) => bound.flatMap((of) => of[slot] ?? [])),
    listening: {
      proxy: `http://${proxyListen.host}:${sockets[0]?.port}`,
      proxySsl: proxySslListen && `https://${proxySslListen.host}:${bound[0]?.[0]?.port}`,
    },
    byKey,
  }
}
