import { expect, test } from 'vitest'
import { filterEntries } from './filter-entries.ts'

const entries = [
  { title: 'Overview', aside: '', group: 'Pages' },
  { title: 'list-orders', aside: 'ProductX', group: 'Routes' },
  { title: 'orders', aside: 'ProductX', group: 'Routes' },
  { title: 'orders', aside: 'ProductY', group: 'Services' },
]
const titles = (typed: string) => filterEntries(entries, typed).map((entry) => entry.title)

test('matches entries whose title, workspace or kind contain every word', () => {
  expect(titles('ord productx')).toEqual(['orders', 'list-orders'])
  expect(titles('services ord')).toEqual(['orders'])
  expect(titles('nothing')).toEqual([])
  expect(titles('')).toHaveLength(entries.length)
})

test('keeps the order of groups and puts titles with the prefix first', () => {
  expect(filterEntries(entries, 'orders').map(({ group }) => group)).toEqual([
    'Routes',
    'Routes',
    'Services',
  ])
  expect(titles('orders')[0]).toBe('orders')
})
