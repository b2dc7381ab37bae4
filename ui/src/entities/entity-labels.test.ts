import { expect, test } from 'vitest'
import { placeOf, routeMatchers } from './entity-labels.ts'

const names = (id: string | undefined) => (id === 's1' ? 'orders' : undefined)

test('a plugin says where it is put, by name where the name is known', () => {
  expect(placeOf({ id: 'p', service: { id: 's1' } }, names)).toBe('service orders')
  expect(placeOf({ id: 'p', service: { id: 's1' }, consumer: { id: '0123456789' } }, names)).toBe(
    'service orders, consumer 01234567',
  )
  expect(placeOf({ id: 'p', service: null }, names)).toBe('everything in the workspace')
})

test('a route says what it matches', () => {
  const route = {
    id: 'r',
    methods: ['GET', 'PUT'],
    hosts: null,
    paths: ['/a'],
    headers: { 'x-v': ['1'] },
  }
  expect(routeMatchers(route)).toEqual(['GET PUT', '/a', 'x-v: …'])
})
