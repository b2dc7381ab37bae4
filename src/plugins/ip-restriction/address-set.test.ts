import { BlockList } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openAddressSet } from './address-set.ts'

/** Few different bytes, so that addresses and blocks meet. */
const byte = fc.constantFrom(0, 1, 10, 127, 128, 255)
const ipv4 = fc.array(byte, { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join('.'))
const group = fc.constantFrom('0', '1', '7f', 'ff', 'fe80', 'FFFF')
const ipv6 = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => groups.join(':'))
  .filter((address) => !/^(?:0:){5}ffff:/i.test(address))
const block4 = fc.tuple(ipv4, fc.integer({ min: 0, max: 32 }))
const block6 = fc.tuple(ipv6, fc.integer({ min: 0, max: 128 }))

test('contains the addresses in its blocks', () => {
  fc.assert(
    fc.property(
      fc.array(block4),
      fc.array(block6),
      fc.array(fc.oneof(ipv4, ipv6), { minLength: 20 }),
      (blocks4, blocks6, addresses) => {
        // Node compares IPv4 addresses with IPv6 blocks too, hence two lists.
        const [four, six] = [new BlockList(), new BlockList()]
        for (const [address, bits] of blocks4) four.addSubnet(address, bits, 'ipv4')
        for (const [address, bits] of blocks6) six.addSubnet(address, bits, 'ipv6')
        const set = openAddressSet([...blocks4, ...blocks6].map((block) => block.join('/')))
        for (const address of addresses)
          expect([address, set(address)]).toEqual([
            address,
            address.includes(':') ? six.check(address, 'ipv6') : four.check(address, 'ipv4'),
          ])
      },
    ),
  )
})

test('IPv4 addresses that are mapped to IPv6 are IPv4 addresses, in blocks too', () => {
  const set = openAddressSet(['10.0.0.0/8', '::ffff:192.0.2.0/120', '2001:db8::/32'])
  expect(['::ffff:10.1.2.3', '::FFFF:0a01:0203', '192.0.2.9', '2001:db8::1'].map(set)).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect(openAddressSet(['::/0'])('10.0.0.1')).toBe(false)
  expect(openAddressSet(['0.0.0.0/0'])('::ffff:1.2.3.4')).toBe(true)
  expect(['::', 'fe80::1%eth0', ''].map(openAddressSet(['::/128', 'fe80::/10']))).toEqual([
    true,
    true,
    undefined,
  ])
})
