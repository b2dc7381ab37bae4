import { isIP, SocketAddress, type Socket } from 'node:net'
import { blockListOf, familyOf, readRange } from '../../lib/ip-range.ts'
import type { HeaderList } from '../header-list.ts'
import type { OriginSettings } from '../listener-options.ts'

/** One end of a TCP connection or a UDP session. */
export type Endpoint = { readonly address: string; readonly port: number }

export type Origin = {
  /** The peer, or the client that a trusted peer names in a PROXY header. */
  readonly client: Endpoint
  /** Local address, with the external port. */
  readonly local: Endpoint
  /** The peer, when it is a trusted proxy. */
  readonly proxy?: TrustedProxy | undefined
}

/** A proxy in front of the gateway whose forwarded fields are trusted. */
export type TrustedProxy = {
  readonly address: string
  /** The client that a request names, or undefined. */
  clientOf(this: void, headers: HeaderList): string | undefined
}

export type ListenerProtocol = 'http' | 'stream'

export type Origins = {
  /** `announced` is the source in the PROXY header of the connection. */
  of(this: void, socket: Socket, protocol: ListenerProtocol, announced?: Endpoint): Origin
  /** The origin of datagrams. */
  ofDatagrams(this: void, client: Endpoint, local: Endpoint): Origin
}

/** A PROXY header is used for streams, and for HTTP where the real IP header is `proxy_protocol`, as in nginx. */
export function openOrigins({ realIp, portMaps }: OriginSettings): Origins {
  const isTrusted = openTrust(realIp.trusted)
  const external = new Map(portMaps.map((pair) => [pair.internal, pair.external]))
  const readsField = realIp.header !== 'proxy_protocol'
  const clientOf = (headers: HeaderList): string | undefined =>
    readsField
      ? forwardedAddress(headers.all(realIp.header), realIp.recursive, isTrusted)
      : undefined
  const mapped = ({ address, port }: Endpoint): Endpoint => ({
    address,
    port: external.get(port) ?? port,
  })
  return {
    ofDatagrams: (client, local) => ({
      client: { address: unmapped(client.address), port: client.port },
      local: mapped({ address: unmapped(local.address), port: local.port }),
    }),
    of(socket, protocol, announced) {
      const origin = socketOrigin(socket)
      const local = mapped(origin.local)
      if (!isTrusted(origin.client.address)) return { client: origin.client, local }
      const isBelieved = announced !== undefined && (protocol === 'stream' || !readsField)
      const proxy = { address: origin.client.address, clientOf }
      return { client: isBelieved ? announced : origin.client, local, proxy }
    },
  }
}

/** The origin of a connection from a peer that is not trusted. */
export const socketOrigin = (socket: Socket): Origin => ({
  client: { address: unmapped(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 },
  local: { address: unmapped(socket.localAddress ?? ''), port: socket.localPort ?? 0 },
})

const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

function openTrust(blocks: readonly string[]): (address: string) => boolean {
  if (blocks.length === 0) return () => false
  const list = blockListOf(blocks.map(readRange))
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address))
}

/** The last address of a list that trusted proxies appended to; with `recursive`, the last one that is not trusted, else
 *  the first. Addresses before a malformed one are ignored. */
function forwardedAddress(
  values: readonly string[],
  recursive: boolean,
  isTrusted: (address: string) => boolean,
): string | undefined {
  let found: string | undefined
  for (const value of values.toReversed()) {
    const texts = value.split(/[ ,\t]+/).filter((text) => text !== '')
    if (texts.length === 0) return found
    for (const text of texts.toReversed()) {
      const address = readAddress(text)
      if (address === undefined) return found
      found = address
      if (!recursive || !isTrusted(address)) return found
    }
  }
  return found
}

/** An address in canonical form, without its port. An IPv6 address is in brackets if, and only if, a port follows, as in nginx. */
export function readAddress(text: string): string | undefined {
  const version = isIP(text)
  if (version === 4) return text
  if (version === 6) return canonical(text)
  const [, six, four, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  if (Number(port) < 1 || Number(port) > 65_535) return undefined
  if (six !== undefined) return isIP(six) === 6 ? canonical(six) : undefined
  return four !== undefined && isIP(four) === 4 ? four : undefined
}

/** Undefined for an address with a zone, which means something on one machine only. */
const canonical = (address: string): string | undefined =>
  address.includes('%')
    ? undefined
    : unmapped(new SocketAddress({ address, family: 'ipv6' }).address)
