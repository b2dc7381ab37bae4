export type IpFamily = 'ipv4' | 'ipv6'

type Address = {
  readonly family: IpFamily
  /** Of IPv4 four octets, of IPv6 eight groups of 16 bits. */
  readonly parts: readonly number[]
}

/** Reads an IP address; undefined when it is none. Octets have no leading zeros, and IPv6 no embedded IPv4 address. */
export const readAddress = (text: string): Address | undefined =>
  text.includes(':') ? readIpv6(text) : readIpv4(text)

/** Whether all bits of an address after the first `bits` are zero. */
export function isBlock({ family, parts }: Address, bits: number): boolean {
  const size = family === 'ipv4' ? 8 : 16
  return parts.every((part, index) => {
    const fixed = Math.min(Math.max(bits - index * size, 0), size)
    return part % 2 ** (size - fixed) === 0
  })
}

export const bitsOf = (family: IpFamily): number => (family === 'ipv4' ? 32 : 128)

function readIpv4(text: string): Address | undefined {
  const octets = text.split('.')
  const isValid =
    octets.length === 4 && octets.every((one) => /^(?:0|[1-9]\d{0,2})$/.test(one) && +one < 256)
  return isValid ? { family: 'ipv4', parts: octets.map(Number) } : undefined
}

function readIpv6(text: string): Address | undefined {
  const halves = text.split('::')
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (head === undefined || halves.length > 2) return undefined
  const groups = [...head, ...(tail ?? [])]
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined
  if (tail === undefined ? groups.length !== 8 : groups.length > 7) return undefined
  const zeros = Array.from({ length: 8 - groups.length }, () => 0)
  const numbers = (list: readonly string[]): number[] => list.map((group) => parseInt(group, 16))
  return { family: 'ipv6', parts: [...numbers(head), ...zeros, ...numbers(tail ?? [])] }
}
