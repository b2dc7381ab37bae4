import { isIPv4, isIPv6 } from 'node:net'
import { type Endpoint, readAddress } from '../front/origin.ts'

/** The header that a proxy sends before a connection's first byte ("The PROXY protocol", versions 1 and 2). */
export type ProxyHeader = {
  /** In bytes. */
  readonly length: number
  /** The client; undefined for the command LOCAL and for other than TCP addresses. */
  readonly source: Endpoint | undefined
}

/** The longest line of version 1 with its CRLF (section 2.1). */
const maxLine = 107
/** Limit of nginx for a header of version 2; the protocol allows 65,551. */
const maxBinary = 4_096
/** The first bytes of version 2. */
export const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const linePrefix = Buffer.from('PROXY ')

/** Reads the header at the start of a connection; `more` while it is incomplete. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  const expected = bytes[0] === signature[0] ? signature : linePrefix
  const known = Math.min(bytes.length, expected.length)
  if (!bytes.subarray(0, known).equals(expected.subarray(0, known))) return 'malformed'
  return expected === signature ? readBinary(bytes) : readLine(bytes)
}

/** Version 1. An address or number in another spelling than the canonical one is malformed. */
function readLine(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  const text = bytes.toString('latin1', 0, maxLine)
  const length = text.indexOf('\n') + 1
  if (length === 0) return bytes.length < maxLine ? 'more' : 'malformed'
  const line = text.slice(0, length)
  if (/^PROXY UNKNOWN(?: .*)?\r\n$/.test(line)) return { length, source: undefined }
  const found = /^PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/.exec(line)
  if (found === null) return 'malformed'
  const [, family, source = '', destination = '', sourcePort, destinationPort] = found
  const isAddress = family === '4' ? isIPv4 : isIPv6
  const address = readAddress(source)
  const areAddresses = isAddress(source) && isAddress(destination) && address !== undefined
  const arePorts = [sourcePort, destinationPort].every((port) => Number(port) <= 65_535)
  if (!areAddresses || !arePorts) return 'malformed'
  return { length, source: { address, port: Number(sourcePort) } }
}

/** Bytes of a source and a destination, by address family: unspecified, IPv4, IPv6, Unix. */
const addressLengths = [0, 12, 36, 216]
const overStream = 1
const localCommand = 0x20
export const proxyCommand = 0x21

/** Version 2 (section 2.2). */
function readBinary(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  if (isRefused(bytes.subarray(12, 14))) return 'malformed'
  if (bytes.length < 16) return 'more'
  const length = 16 + bytes.readUInt16BE(14)
  if (length > maxBinary) return 'malformed'
  if (bytes.length < length) return 'more'
  if (bytes[12] === localCommand) return { length, source: undefined }
  const kind = bytes[13] as number
  const start = 16 + (addressLengths[kind >> 4] ?? 0)
  if (length < start || !areExtensions(bytes.subarray(start, length))) return 'malformed'
  return { length, source: (kind & 15) === overStream ? readSource(bytes, kind >> 4) : undefined }
}

/** Whether a command, or an address family with its transport, is unknown in version 2. */
function isRefused([command = localCommand, kind = 0]: Uint8Array): boolean {
  if (command !== localCommand && command !== proxyCommand) return true
  return addressLengths[kind >> 4] === undefined || (kind & 15) > 2
}

function readSource(bytes: Buffer, family: number): Endpoint | undefined {
  if (family !== 1 && family !== 2) return undefined
  if (family === 1)
    return { address: bytes.subarray(16, 20).join('.'), port: bytes.readUInt16BE(24) }
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(16 + 2 * at).toString(16))
  const address = readAddress(groups.join(':'))
  return address === undefined ? undefined : { address, port: bytes.readUInt16BE(48) }
}

/** Whether the bytes after the addresses are a sequence of type, length (2 bytes) and value (section 2.2). */
function areExtensions(bytes: Buffer): boolean {
  let at = 0
  while (at + 3 <= bytes.length) at += 3 + bytes.readUInt16BE(at + 1)
  return at === bytes.length
}
