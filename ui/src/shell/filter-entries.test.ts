import { expect, test } from 'vitest'
import { filterEntries } from './filter-entries.ts'

const entries = [
  { title: 'Overview', aside: '', group: 'Pages' },
  { title: 'list-orders', aside: 'ProductX', group: 'Routes' },
  { title: 'orders', aside: 'ProductX', group: 'Routes' },
  { title: 'orders', aside: 'ProductY', group: 'Services' },
]
const titles = (typed: string) => filterEntries(entries, typed).map((entry) => entry.title)

test('every typed word must be found, in the name, the workspace or the kind', () => {
  expect(titles('ord productx')).toEqual(['orders', 'list-orders'])
  expect(titles('services ord')).toEqual(['orders'])
  expect(titles('nothing')).toEqual([])
  expect(titles('')).toHaveLength(entries.length)
})

test('groups keep their order, and names that begin so come first', () => {
  expect(filterEntries(entries, 'orders').map(({ group }) => group)).toEqual([
    'Routes',
    'Routes',
    'Services',
  ])
  expect(titles('orders')[0]).toBe('orders')
})
