import { expect, test } from 'vitest'
import { query } from '../../../src/schema/query.ts'
import { toConditions, toggleFilter } from './filters.ts'
import type { PageFilter } from './search.ts'

const is = (member: string, value: string): PageFilter => ({ member, value, exclude: false })
const not = (member: string, value: string): PageFilter => ({ member, value, exclude: true })

test('toggling the same filter removes it; toggling its opposite inverts it', () => {
  const once = toggleFilter([], is('route', 'orders'))
  expect(once).toEqual([is('route', 'orders')])
  expect(toggleFilter(once, is('route', 'orders'))).toEqual([])
  expect(toggleFilter(once, not('route', 'orders'))).toEqual([not('route', 'orders')])
})

test.each([
  [
    'one value',
    [is('route', 'a')],
    [{ member: 'requests.route', operator: 'equals', values: ['a'] }],
  ],
  [
    'several values of a member are alternatives',
    [is('route', 'a'), is('route', 'b')],
    [{ member: 'requests.route', operator: 'equals', values: ['a', 'b'] }],
  ],
  ['no value', [is('consumer', '')], [{ member: 'requests.consumer', operator: 'notSet' }]],
  [
    'a value or none',
    [is('consumer', ''), is('consumer', 'a')],
    [
      {
        or: [
          { member: 'requests.consumer', operator: 'equals', values: ['a'] },
          { member: 'requests.consumer', operator: 'notSet' },
        ],
      },
    ],
  ],
  [
    'excluded values',
    [not('route', 'a'), not('route', '')],
    [
      { member: 'requests.route', operator: 'notEquals', values: ['a'] },
      { member: 'requests.route', operator: 'set' },
    ],
  ],
] as const)('%s', (_, filters, conditions) => {
  expect(toConditions(filters)).toEqual(conditions)
  expect(query.safeParse({ filters: toConditions(filters) }).success).toBe(true)
})
