import { BlockList } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { truncateAddress } from './truncate-address.ts'

test('an address becomes its network, as Node computes it', () => {
  const bits = fc.record({
    four: fc.integer({ min: 0, max: 32 }),
    six: fc.integer({ min: 0, max: 128 }),
  })
  const check = (
    address: string,
    { four, six }: { four: number; six: number },
    family: 'ipv4' | 'ipv6',
  ) => {
    const length = family === 'ipv4' ? four : six
    const network = truncateAddress(address, four, six)
    const list = new BlockList()
    list.addSubnet(network, length, family)
    expect(list.check(address, family)).toBe(true)
    expect(truncateAddress(network, four, six)).toBe(network)
    // Only zeros follow the prefix.
    const longer = new BlockList()
    longer.addSubnet(network, family === 'ipv4' ? 32 : 128, family)
    expect(longer.check(network, family)).toBe(true)
    expect(truncateAddress(network, length === 32 ? 32 : four, six)).toBe(network)
  }
  fc.assert(fc.property(fc.ipV4(), bits, (address, given) => check(address, given, 'ipv4')))
  const plain = fc.ipV6().filter((address) => !/^(::|0:|0{1,4}:)/.test(address))
  fc.assert(fc.property(plain, bits, (address, given) => check(address, given, 'ipv6')))
})

test.each([
  ['203.0.113.77', '203.0.113.0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
  ['::ffff:203.0.113.77', '203.0.113.0'],
  ['::1', '::'],
  ['unix:', ''],
  ['', ''],
])('%s becomes %s by 24 and 48 bits', (address, expected) => {
  expect(truncateAddress(address, 24, 48)).toBe(expected)
})
