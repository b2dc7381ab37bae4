import { isIPv6, SocketAddress } from 'node:net'
import type { Endpoint } from '../front/origin.ts'
import type { ProxyProtocolVersion } from '../listener-options.ts'
import { proxyCommand, signature } from './read-proxy-header.ts'

const tcpOver4 = 0x11
const tcpOver6 = 0x21

/** The header that begins a connection to a target. An IPv4 address beside an IPv6 one is written as IPv4-mapped. */
export function writeProxyHeader(
  version: ProxyProtocolVersion,
  source: Endpoint,
  destination: Endpoint,
): Buffer {
  const ends = [source, destination]
  const isSix = ends.some(({ address }) => isIPv6(address))
  const addresses = ends.map(({ address }) =>
    isSix && !isIPv6(address) ? `::ffff:${address}` : address,
  )
  if (version === 'v1') {
    const [from, to] = addresses
    const family = isSix ? 'TCP6' : 'TCP4'
    return Buffer.from(`PROXY ${family} ${from} ${to} ${source.port} ${destination.port}\r\n`)
  }
  const body = Buffer.concat([
    ...addresses.map((address) => (isSix ? sixteenBytes(address) : fourBytes(address))),
    ...ends.map(({ port }) => Buffer.from([port >> 8, port & 255])),
  ])
  const kind = isSix ? tcpOver6 : tcpOver4
  return Buffer.concat([signature, Buffer.from([proxyCommand, kind, 0, body.length]), body])
}

const fourBytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

function sixteenBytes(address: string): Buffer {
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_text, ...bytes: string[]) =>
      [0, 2].map((at) => ((Number(bytes[at]) << 8) | Number(bytes[at + 1])).toString(16)).join(':'),
  )
  const [left = '', right] = canonical.split('::')
  const [before, after] = [left, right ?? ''].map((part) => (part === '' ? [] : part.split(':')))
  const missing = 8 - (before?.length ?? 0) - (after?.length ?? 0)
  const zeros = right === undefined ? [] : Array.from({ length: missing }, () => '0')
  const bytes = Buffer.alloc(16)
  for (const [at, group] of [...(before ?? []), ...zeros, ...(after ?? [])].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * at)
  return bytes
}
