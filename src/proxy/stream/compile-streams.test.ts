import { expect, test } from 'vitest'
import { compileStreams, type StreamOrigin } from './compile-streams.ts'

const route = (id: string, fields: object) => ({
  route: {
    id,
    protocols: ['tcp' as const],
    snis: null,
    sources: null,
    destinations: null,
    ...fields,
  },
  program: id,
})

const streams = compileStreams([
  route('range', { sources: [{ ip: '10.1.0.0/16', port: null }] }),
  route('both', {
    sources: [{ ip: '10.1.0.0/16', port: null }],
    destinations: [{ ip: null, port: 9000 }],
  }),
  route('six', { sources: [{ ip: '2001:db8::/32', port: null }] }),
  route('port-a', { destinations: [{ ip: null, port: 9100 }] }),
  route('port-b', { destinations: [{ ip: null, port: 9100 }] }),
  route('name', { protocols: ['tls'], snis: ['Shop.example'] }),
  route('passed', { protocols: ['tls_passthrough'], snis: ['shop.example'] }),
  route('web', { protocols: ['https'], snis: ['shop.example'] }),
])

const from = (address: string, port: number, more: Partial<StreamOrigin> = {}): StreamOrigin => ({
  kind: 'tcp',
  source: { address, port: 40_000 },
  destination: { address: '127.0.0.1', port },
  serverName: undefined,
  ...more,
})

test.each([
  [from('10.1.2.3', 1), 'range'],
  [from('10.1.2.3', 9000), 'both'],
  [from('10.2.2.3', 9000), undefined],
  [from('2001:db8::1', 1), 'six'],
  [from('::1', 1), undefined],
  [from('::1', 9100), 'port-b'],
  [from('::1', 1, { kind: 'tls', serverName: 'shop.example' }), 'name'],
  [from('::1', 1, { kind: 'tls_passthrough', serverName: 'shop.example' }), 'passed'],
  [from('::1', 1, { kind: 'tls', serverName: 'other.example' }), undefined],
])('%j goes to %s', (origin, expected) => {
  expect(streams.find(origin)).toBe(expected)
})
