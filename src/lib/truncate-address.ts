import { isIPv4, isIPv6 } from 'node:net'

/** The network of an IP address, as the address with zeros after the prefix; '' for text that is not an address. */
export function truncateAddress(address: string, bits4: number, bits6: number): string {
  if (isIPv4(address)) return dotted(mask(address.split('.').map(Number), bits4, 8))
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  if (!isIPv6(bare)) return ''
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const groups = groupsOf(canonical)
  // IPv4-mapped (RFC 4291 section 2.5.5.2).
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const bytes = groups.slice(6).flatMap((group) => [group >> 8, group & 255])
    return dotted(mask(bytes, bits4, 8))
  }
  const kept = mask(groups, bits6, 16).map((group) => group.toString(16))
  return new URL(`http://[${kept.join(':')}]`).hostname.slice(1, -1)
}

const dotted = (bytes: readonly number[]): string => bytes.join('.')

/** Zeros after the first `bits` of numbers with `width` bits each. */
const mask = (numbers: readonly number[], bits: number, width: number): number[] =>
  numbers.map((number, at) => {
    const kept = Math.min(width, Math.max(0, bits - at * width))
    return number & (((1 << kept) - 1) << (width - kept))
  })

/** The eight groups of a canonical IPv6 address. */
function groupsOf(address: string): number[] {
  const [left = '', right] = address.split('::')
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [start, end] = [read(left), read(right ?? '')]
  return [...start, ...Array.from({ length: 8 - start.length - end.length }, () => 0), ...end]
}
