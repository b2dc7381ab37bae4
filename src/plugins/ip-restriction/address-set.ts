import { isIP } from 'node:net'
import { readRange } from '../../lib/ip-range.ts'

/** Whether an address is in a set; undefined when it is no address. */
export type AddressSet = (address: string) => boolean | undefined

/** A set of addresses and CIDR blocks. A lookup takes time logarithmic in their number. IPv4 addresses that are mapped to IPv6 are IPv4 addresses. */
export function openAddressSet(ranges: readonly string[]): AddressSet {
  const merged: { readonly first: string; last: string }[] = []
  for (const range of ranges.map(boundsOf).toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = merged.at(-1)
    if (before === undefined || range.first > before.last) merged.push(range)
    else if (range.last > before.last) before.last = range.last
  }
  return (address) => {
    const key = keyOf(address)
    if (key === undefined) return undefined
    let low = 0
    let high = merged.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((merged[middle]?.first ?? '') <= key) low = middle + 1
      else high = middle
    }
    return key <= (merged[low - 1]?.last ?? '')
  }
}

function boundsOf(text: string): { first: string; last: string } {
  const { address, family, bits } = readRange(text)
  const key = keyOf(address)
  if (key === undefined) throw new TypeError(`${text} is not an address or CIDR block`)
  const isMapped = family === 'ipv6' && key.startsWith('4')
  // A block of ::ffff:0:0/96 or larger around mapped addresses has IPv6 addresses only.
  if (isMapped && bits < 96) return blockOf(`6${mappedPrefix}${key.slice(1)}`, 128, bits)
  return key.startsWith('4')
    ? blockOf(key, 32, isMapped ? bits - 96 : bits)
    : blockOf(key, 128, bits)
}

function blockOf(key: string, width: number, bits: number): { first: string; last: string } {
  const rest = (1n << BigInt(width - bits)) - 1n
  const address = BigInt(`0x${key.slice(1)}`)
  const write = (value: bigint): string =>
    `${key.charAt(0)}${value.toString(16).padStart(width / 4, '0')}`
  return { first: write(address & ~rest), last: write(address | rest) }
}

const mappedPrefix = '00000000000000000000ffff'

/** The family and the hexadecimal digits of an address, so that texts compare like addresses. */
function keyOf(address: string): string | undefined {
  const kind = isIP(address)
  if (kind === 0) return undefined
  if (kind === 4) return `4${hexOfIpv4(address)}`
  const [groups = ''] = address.split('%')
  const digits = hexOfIpv6(groups)
  return digits.startsWith(mappedPrefix) ? `4${digits.slice(24)}` : `6${digits}`
}

function hexOfIpv4(address: string): string {
  let value = 0
  for (const part of address.split('.')) value = value * 256 + Number(part)
  return value.toString(16).padStart(8, '0')
}

function hexOfIpv6(address: string): string {
  const lastColon = address.lastIndexOf(':')
  const last = address.slice(lastColon + 1)
  const plain = last.includes('.')
    ? `${address.slice(0, lastColon + 1)}${hexOfIpv4(last).replace(/.{4}/, '$&:')}`
    : address
  const [before = '', after] = plain.split('::')
  const head = digitsOf(before)
  if (after === undefined) return head
  const tail = digitsOf(after)
  return `${head}${'0'.repeat(32 - head.length - tail.length)}${tail}`
}

const digitsOf = (groups: string): string =>
  groups === ''
    ? ''
    : groups
        .toLowerCase()
        .split(':')
        .map((group) => group.padStart(4, '0'))
        .join('')
