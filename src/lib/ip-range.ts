import { BlockList, isIPv6 } from 'node:net'

export type IpFamily = 'ipv4' | 'ipv6'

/** An address with the length of its prefix. */
export type IpRange = { readonly address: string; readonly family: IpFamily; readonly bits: number }

export const familyOf = (address: string): IpFamily => (isIPv6(address) ? 'ipv6' : 'ipv4')

/** Reads an address or a CIDR block, which must be well-formed. */
export function readRange(text: string): IpRange {
  const [address = '', bits] = text.split('/')
  const family = familyOf(address)
  return { address, family, bits: Number(bits ?? (family === 'ipv6' ? 128 : 32)) }
}

/** The addresses in some ranges. A BlockList compares IPv4 addresses with IPv6 ranges too. */
export function blockListOf(ranges: readonly IpRange[]): BlockList {
  const list = new BlockList()
  for (const { address, family, bits } of ranges) list.addSubnet(address, bits, family)
  return list
}
