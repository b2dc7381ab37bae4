import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runToCompletion } from '../../lib/cooperative-task.ts'
import { compileStreams, emptyStreams, type StreamOrigin } from './compile-streams.ts'

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

test('after any changes, finds the routes of one that was compiled from them', () => {
  const fields = fc.record({
    number: fc.integer({ min: 1, max: 12 }),
    protocols: fc.constantFrom(['tcp'], ['tls'], ['tcp', 'tls'], ['https']),
    sources: fc.constantFrom(null, [{ ip: '10.1.0.0/16', port: null }]),
    destinations: fc.constantFrom(null, [{ ip: null, port: 9000 }], [{ ip: null, port: 9100 }]),
  })
  const origins = [9000, 9100, 1].flatMap((port) =>
    ['10.1.2.3', '::1'].flatMap((address) =>
      (['tcp', 'tls'] as const).map((kind) => from(address, port, { kind })),
    ),
  )
  const steps = fc.array(
    fc.uniqueArray(fields, { selector: ({ number }) => number, maxLength: 8 }),
    { maxLength: 8 },
  )
  fc.assert(
    fc.property(steps, (list) => {
      let routes: ReturnType<typeof route>[] = []
      let changed = emptyStreams<string>()
      const earlier = [{ changed, expected: compileStreams<string>([]) }]
      for (const step of list) {
        const touched = new Set(step.map(({ number }) => `r${number}`))
        const removed = routes.filter(({ program }) => touched.has(program))
        const added = step
          .filter((_, at) => at % 3 !== 2)
          .map(({ number, ...rest }) => route(`r${number}`, rest))
        routes = [...routes.filter(({ program }) => !touched.has(program)), ...added]
        changed = runToCompletion(changed.with(removed, added))
        earlier.push({ changed, expected: compileStreams(routes) })
      }
      for (const one of earlier)
        for (const origin of origins)
          expect(one.changed.find(origin)).toBe(one.expected.find(origin))
    }),
  )
})

test('refuses to remove a route that it does not have', () => {
  const [one, other] = [route('a', {}), route('b', {})]
  const task = compileStreams([one]).with([other], [])
  expect(() => runToCompletion(task)).toThrow('stream route b is to be removed and is not there')
})
