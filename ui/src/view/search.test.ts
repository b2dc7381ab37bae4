import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatSearch, parseSearch, type Search } from './search.ts'

const filter = fc.record({
  member: fc.constantFrom('route', 'consumer', 'status_class', 'denied_by', 'path'),
  value: fc.string({ unit: 'binary' }),
  exclude: fc.boolean(),
})

const search: fc.Arbitrary<Search> = fc.record(
  {
    workspace: fc.string({ minLength: 1 }),
    range: fc.constantFrom('5m', '2026-11-20T10:00:00.000Z~2026-11-20T11:00:00.000Z'),
    live: fc.constant('off' as const),
    request: fc.uuid(),
    filters: fc.array(filter, { minLength: 1, maxLength: 5 }),
  },
  { requiredKeys: [] },
)

test('parsing a formatted search gives it back', () => {
  fc.assert(
    fc.property(search, (parameters) => {
      expect(parseSearch(formatSearch(parameters))).toEqual(parameters)
    }),
  )
})

test('filters and ranges are readable in the address', () => {
  const filters = [
    { member: 'route', value: 'orders', exclude: false },
    { member: 'status_class', value: '5xx', exclude: true },
  ]
  expect(formatSearch({ range: '1h', filters })).toBe('?range=1h&route=orders&not.status_class=5xx')
})

test('ignores keys that cannot be filters', () => {
  expect(parseSearch('?DROP TABLE=1&live=yes&__proto__=x')).toEqual({})
})
