import { lookup } from 'node:dns'
import { isIP, isIPv6, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { blockListOf, familyOf } from './ip-range.ts'

/** Addresses of one network, of all ports or of one. */
export type Network = {
  readonly address: string
  /** Length of the prefix. */
  readonly bits: number
  readonly port?: number
}

/** Parses an address or CIDR with an optional port, IPv6 with a port in brackets; undefined when malformed. */
export function parseNetwork(text: string): Network | undefined {
  const bracketed = /^\[([\da-f:.]+)\](?:\/(\d{1,3}))?(?::(\d{1,5}))?$/i.exec(text)
  const [, address = '', length, port] =
    bracketed ??
    (text.split(':').length > 2
      ? /^([\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text)
      : /^([\d.]+)(?:\/(\d{1,2}))?(?::(\d{1,5}))?$/.exec(text)) ??
    []
  const family = isIP(address)
  const most = family === 6 ? 128 : 32
  const bits = length === undefined ? most : Number(length)
  if (family === 0 || bits > most || Number(port ?? 0) > 65_535) return undefined
  return { address, bits, ...(port === undefined ? {} : { port: Number(port) }) }
}

/** Rules of the operator. `allow` takes precedence over `deny` and the defaults. */
export type EgressRules = { readonly allow: readonly Network[]; readonly deny: readonly Network[] }

/** A listener of this process; the host may be a wildcard address. */
export type OwnListener = { readonly host: string; readonly port: number }

/** Decides which addresses a configuration may connect to. */
export type Egress = {
  /** Why a connection is denied; undefined when it is allowed. `address` is an IP address. */
  refusalOf(this: void, address: string, port: number): string | undefined
}

/** An address to which no connection may be opened. */
export class EgressDenied extends Error {
  readonly code = 'EGRESS_DENIED'
}

const noRules: EgressRules = { allow: [], deny: [] }

/**
 * By default, denies link-local addresses, the metadata services of cloud providers, and the listeners of Weir itself.
 * Only a rule that names the port allows one of these listeners.
 */
export function openEgress(
  { allow, deny }: EgressRules = noRules,
  own: () => readonly OwnListener[] = () => [],
): Egress {
  const allowed = matcherOfAll(allow)
  const allowedPorts = matcherOfAll(allow.filter(({ port }) => port !== undefined))
  const denied = matcherOfAll(deny)
  const reasonFor = (address: string, port: number): string | undefined => {
    if (allowedPorts(address, port)) return undefined
    if (own().some((listener) => reaches(listener, address, port))) return 'a listener of Weir'
    if (allowed(address, port)) return undefined
    if (denied(address, port)) return 'denied by WEIR_EGRESS_DENY'
    return defaults.find(({ matches }) => matches(address, port))?.reason
  }
  return {
    refusalOf(given, port) {
      const address = canonicalAddress(given)
      const reasons = [address, ...translatedAddresses(address)].map((one) => reasonFor(one, port))
      return reasons.find((reason) => reason !== undefined)
    },
  }
}

/** Throws an EgressDenied when a connection to this IP address is denied. */
export function assertAllowed({ refusalOf }: Egress, address: string, port: number): void {
  const reason = refusalOf(address, port)
  if (reason !== undefined) throw new EgressDenied(`${address}:${port} is ${reason}`)
}

/** Resolves names by the operating system, to allowed addresses only. */
const openGuardedLookup =
  ({ refusalOf }: Egress, port: number): LookupFunction =>
  (name, options, answer) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      const first = found?.[0]
      if (error !== null || first === undefined) return answer(error, '', 4)
      const kept = found.filter(({ address }) => refusalOf(address, port) === undefined)
      const [address] = kept
      if (address === undefined) {
        const denied = `${first.address}:${port} is ${refusalOf(first.address, port)}`
        return answer(new EgressDenied(denied), '', 4)
      }
      if (options.all === true) answer(null, kept)
      else answer(null, address.address, address.family)
    })
  }

/** Options for `net.connect`, `tls.connect` and requests: an allowed address, or a name that is resolved to allowed addresses. Throws an EgressDenied. */
export function guardedAddress(
  egress: Egress,
  given: string,
  port: number,
): { readonly host: string; readonly port: number; readonly lookup?: LookupFunction } {
  const host = given.replace(/^\[|\]$/g, '')
  if (isIP(host) === 0) return { host, port, lookup: openGuardedLookup(egress, port) }
  assertAllowed(egress, host, port)
  return { host, port }
}

type Matcher = (address: string, port: number) => boolean

function matcherOf({ address, bits, port }: Network): Matcher {
  const family = familyOf(address)
  const list = blockListOf([{ address, family, bits }])
  return (candidate, at) =>
    (port === undefined || port === at) &&
    familyOf(candidate) === family &&
    list.check(candidate, family)
}

const linkLocal: readonly Network[] = [
  { address: '169.254.0.0', bits: 16 },
  { address: 'fe80::', bits: 10 },
]

/** Metadata services outside link-local networks: of AWS over IPv6, Google Cloud over IPv6, Azure, Alibaba Cloud and Oracle Cloud. */
const metadata: readonly Network[] = [
  { address: 'fd00:ec2::', bits: 32 },
  { address: 'fd20:ce::254', bits: 128 },
  { address: '168.63.129.16', bits: 32 },
  { address: '100.100.100.200', bits: 32 },
  { address: '192.0.0.192', bits: 32 },
]

const matcherOfAll = (networks: readonly Network[]): Matcher => {
  const matchers = networks.map(matcherOf)
  return (address, port) => matchers.some((matches) => matches(address, port))
}

const defaults = [
  { matches: matcherOfAll(linkLocal), reason: 'link-local' },
  { matches: matcherOfAll(metadata), reason: 'a metadata service of a cloud provider' },
]

/** IPv4 for addresses that are one: mapped (RFC 4291 section 2.5.5.2). Unspecified addresses reach this machine. */
function canonicalAddress(given: string): string {
  const bare = given.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  if (!isIPv6(bare)) return bare === '0.0.0.0' ? '127.0.0.1' : bare
  const text = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  if (text === '::') return '::1'
  const groups = groupsOf(text)
  return isPrefix([0, 0, 0, 0, 0, 0xffff], groups) ? canonicalAddress(dotted(groups, 96)) : text
}

/** The IPv4 addresses that a translator or relay may reach for a canonical IPv6 address, for any prefix length. */
function translatedAddresses(address: string): readonly string[] {
  if (!isIPv6(address)) return []
  const groups = groupsOf(address)
  const at = translations.find(({ prefix }) => isPrefix(prefix, groups))?.at ?? []
  return at
    .map((bit) => dotted(groups, bit))
    .filter((ip) => !ip.startsWith('0.'))
    .map(canonicalAddress)
}

/** Prefixes of addresses that contain an IPv4 address, and the bits at which it begins. */
const translations: readonly {
  readonly prefix: readonly number[]
  readonly at: readonly number[]
}[] = [
  // NAT64 (RFC 6052), and its local prefixes (RFC 8215) with a length of 48 to 96.
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], at: [96] },
  { prefix: [0x64, 0xff9b, 1], at: [48, 56, 64, 96] },
  // IPv4-translated (RFC 7915), 6to4 (RFC 3056), IPv4-compatible (RFC 4291 section 2.5.5.1).
  { prefix: [0, 0, 0, 0, 0xffff, 0], at: [96] },
  { prefix: [0x2002], at: [16] },
  { prefix: [0, 0, 0, 0, 0, 0], at: [96] },
]

const isPrefix = (prefix: readonly number[], groups: readonly number[]): boolean =>
  prefix.every((group, index) => groups[index] === group)

/** The eight groups of a canonical IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [left = '', right] = address.split('::')
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [start, end] = [read(left), read(right ?? '')]
  return [...start, ...Array.from({ length: 8 - start.length - end.length }, () => 0), ...end]
}

/** The IPv4 address that begins at a bit, without the bits 64 to 71 (RFC 6052 section 2.2). */
function dotted(groups: readonly number[], bit: number): string {
  const bytes = groups.flatMap((group) => [group >> 8, group & 255])
  const from = bit / 8
  const skipped = from > 4 && from <= 8 ? bytes.toSpliced(8, 1) : bytes
  return skipped.slice(from, from + 4).join('.')
}

function reaches({ host, port: listens }: OwnListener, address: string, port: number): boolean {
  if (port !== listens || port === 0) return false
  const isWildcard = host === '0.0.0.0' || host === '::' || isIP(host) === 0
  if (!isWildcard) return canonicalAddress(host) === address
  return isLoopback(address, port) || ownAddresses().has(address)
}

const isLoopback = matcherOf({ address: '127.0.0.0', bits: 8 })

const ownAddresses = (): ReadonlySet<string> =>
  new Set([
    '::1',
    ...Object.values(networkInterfaces()).flatMap((found) =>
      (found ?? []).map(({ address }) => canonicalAddress(address)),
    ),
  ])
