import fc from 'fast-check'
import { isIPv6 } from 'node:net'
import { expect, test } from 'vitest'
import { readAddress } from '../front/origin.ts'
import { readProxyHeader } from './read-proxy-header.ts'
import { writeProxyHeader } from './write-proxy-header.ts'

const signature = '\r\n\r\n\0\r\nQUIT\n'
const text = (line: string): Buffer => Buffer.from(line, 'latin1')

/** A header of version 2 with these address bytes and extensions. */
const binary = (command: number, kind: number, body: readonly number[]): Buffer =>
  Buffer.concat([text(signature), Buffer.from([command, kind, 0, body.length, ...body])])

const four = [192, 0, 2, 1, 198, 51, 100, 2, 0x1f, 0x90, 0, 80]
const six = [...Array.from({ length: 31 }, () => 0), 1, 0x1f, 0x90, 0, 80]
const endpoint = { address: '192.0.2.1', port: 8080 }

const wellFormed: readonly (readonly [Buffer, { address: string; port: number } | undefined])[] = [
  [text('PROXY TCP4 192.0.2.1 198.51.100.2 8080 80\r\n'), endpoint],
  [text('PROXY TCP6 2001:DB8::1 ::1 8080 80\r\n'), { address: '2001:db8::1', port: 8080 }],
  [text('PROXY UNKNOWN\r\n'), undefined],
  [text('PROXY UNKNOWN ffff:f...f:ffff 65535 65535\r\n'), undefined],
  [binary(0x21, 0x11, four), endpoint],
  [binary(0x21, 0x11, [...four, 0x04, 0, 2, 9, 9, 0x20, 0, 0]), endpoint],
  [binary(0x21, 0x21, six), { address: '::', port: 8080 }],
  [binary(0x20, 0x00, []), undefined],
  [binary(0x20, 0x11, four), undefined],
  [binary(0x21, 0x00, [1, 0, 0]), undefined],
  [binary(0x21, 0x12, four), undefined],
]

test.each(wellFormed)('a header split at any byte is read whole: %j', (header, source) => {
  for (let at = 0; at < header.length; at += 1)
    expect(readProxyHeader(header.subarray(0, at))).toBe('more')
  const followed = Buffer.concat([header, text('GET / HTTP/1.1\r\n')])
  for (const bytes of [header, followed])
    expect(readProxyHeader(bytes)).toEqual({ length: header.length, source })
})

test.each([
  'GET / HTTP/1.1\r\n',
  'PROXY\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 8080 80\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 8080 80 \r\n',
  'PROXY TCP4 192.0.2.1  198.51.100.2 8080 80\r\n',
  'PROXY TCP4 192.0.2.01 198.51.100.2 8080 80\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 08080 80\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 65536 80\r\n',
  'PROXY TCP4 ::1 ::1 8080 80\r\n',
  'PROXY TCP6 192.0.2.1 198.51.100.2 8080 80\r\n',
  'PROXY TCP6 fe80::1%eth0 ::1 8080 80\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 8080\r\n',
  'PROXY UDP4 192.0.2.1 198.51.100.2 8080 80\r\n',
  'PROXY UNKNOWNS\r\n',
  `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
  'proxy TCP4 192.0.2.1 198.51.100.2 8080 80\r\n',
])('refuses the malformed header %j', (line) => {
  expect(readProxyHeader(text(line))).toBe('malformed')
})

test.each([
  ['version 1 in the binary form', binary(0x11, 0x11, four)],
  ['an unknown command', binary(0x22, 0x11, four)],
  ['an unknown address family', binary(0x21, 0x41, four)],
  ['an unknown transport', binary(0x21, 0x13, four)],
  ['addresses that are cut off', binary(0x21, 0x11, four.slice(1))],
  ['IPv4 addresses as IPv6', binary(0x21, 0x21, four)],
  ['an extension that is cut off', binary(0x21, 0x11, [...four, 4, 0, 9, 1])],
  ['an extension without its length', binary(0x21, 0x11, [...four, 4, 0])],
  [
    'a length over the limit',
    Buffer.concat([text(signature), Buffer.from([0x21, 0x11, 0xff, 0xff])]),
  ],
])('refuses a binary header with %s', (_name, bytes) => {
  expect(readProxyHeader(bytes)).toBe('malformed')
})

test('reads what it writes, for all addresses, ports and versions', () => {
  const end = fc.record({
    address: fc.oneof(fc.ipV4(), fc.ipV6()),
    port: fc.integer({ min: 0, max: 65_535 }),
  })
  fc.assert(
    fc.property(fc.constantFrom('v1', 'v2'), end, end, (version, source, destination) => {
      const header = readProxyHeader(writeProxyHeader(version, source, destination))
      const expected = { address: readAddress(source.address), port: source.port }
      const mapped = isIPv6(destination.address) && !isIPv6(source.address)
      const address = mapped ? readAddress(`::ffff:${source.address}`) : expected.address
      expect(header).toMatchObject({ source: { ...expected, address } })
    }),
  )
})
