import { expect, test } from 'vitest'
import { openEgress, parseNetwork, type Network } from './egress.ts'

const network = (text: string): Network => parseNetwork(text) ?? { address: '', bits: 0 }
const rules = (allow: string[], deny: string[] = []) => ({
  allow: allow.map(network),
  deny: deny.map(network),
})

test.each([
  '169.254.169.254',
  '169.254.170.2',
  '::ffff:169.254.169.254',
  '::FFFF:A9FE:A9FE',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::a9fe:a9fe',
  '64:ff9b:1:a9fe:a9:fe00::',
  '64:ff9b:1:12a9:fe:a9fe::',
  '64:ff9b:1:1234:a9:fea9:fe00::',
  '::ffff:0:a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '::a9fe:a9fe',
  '[fe80::1%eth0]',
  'febf::1',
  'fd00:ec2::254',
  'fd20:ce::254',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
])('denies a connection to %s, link-local or of a metadata service', (address) => {
  expect(openEgress().refusalOf(address, 80)).toMatch(/link-local|metadata/)
})

test.each([
  '127.0.0.1',
  '10.0.0.1',
  '172.17.0.1',
  '::1',
  'fd00::1',
  '2001:db8::a9fe:a9fe',
  '64:ff9b:1::cb00:7109',
])('allows a service at %s', (address) => {
  expect(openEgress().refusalOf(address, 80)).toBeUndefined()
})

test('applies the networks that the operator denies and allows', () => {
  const { refusalOf } = openEgress(
    rules(['169.254.10.0/24', '10.1.0.0/16'], ['10.0.0.0/8', '::/0', '127.0.0.1:22']),
  )
  expect(refusalOf('169.254.10.1', 80)).toBeUndefined()
  expect(refusalOf('169.254.11.1', 80)).toBe('link-local')
  expect(refusalOf('10.1.2.3', 80)).toBeUndefined()
  expect(refusalOf('10.2.2.3', 80)).toBe('denied by WEIR_EGRESS_DENY')
  expect(refusalOf('2001:db8::1', 80)).toBe('denied by WEIR_EGRESS_DENY')
  expect(refusalOf('127.0.0.1', 22)).toBe('denied by WEIR_EGRESS_DENY')
  expect(refusalOf('127.0.0.1', 80)).toBeUndefined()
})

test('denies the listeners of Weir by every address that reaches them, and no other port', () => {
  const own = [
    { host: '0.0.0.0', port: 8000 },
    { host: '127.0.0.1', port: 8001 },
  ]
  const { refusalOf } = openEgress(rules(['127.0.0.0/8']), () => own)
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '::', '::ffff:7f00:1'])
    expect(refusalOf(address, 8000)).toBe('a listener of Weir')
  for (const address of ['127.0.0.1', '0.0.0.0', '::ffff:127.0.0.1'])
    expect(refusalOf(address, 8001)).toBe('a listener of Weir')
  expect(refusalOf('127.0.0.1', 8002)).toBeUndefined()
  expect(refusalOf('203.0.113.9', 8000)).toBeUndefined()
  const named = openEgress(rules(['127.0.0.1:8001']), () => own)
  expect(named.refusalOf('127.0.0.1', 8001)).toBeUndefined()
  expect(named.refusalOf('127.0.0.1', 8000)).toBe('a listener of Weir')
})

test.each([
  ['10.0.0.0/8', { address: '10.0.0.0', bits: 8 }],
  ['10.0.0.1:80', { address: '10.0.0.1', bits: 32, port: 80 }],
  ['10.0.0.0/8:80', { address: '10.0.0.0', bits: 8, port: 80 }],
  ['fd00::/8', { address: 'fd00::', bits: 8 }],
  ['[fd00::]/8:443', { address: 'fd00::', bits: 8, port: 443 }],
  ['[::1]:80', { address: '::1', bits: 128, port: 80 }],
  ['10.0.0.0/33', undefined],
  ['10.0.0.1:70000', undefined],
  ['example.com', undefined],
  ['', undefined],
])('reads the network %s', (text, expected) => {
  expect(parseNetwork(text)).toEqual(expected)
})
