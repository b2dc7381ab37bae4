import { expect, test } from 'vitest'
import { pluginScope, routeMatchers } from './entity-labels.ts'

const names = (id: string | undefined) => (id === 's1' ? 'orders' : undefined)

test('names the scope of a plugin, by ID where the name is unknown', () => {
  expect(pluginScope({ id: 'p', service: { id: 's1' } }, names)).toBe('service orders')
  expect(
    pluginScope({ id: 'p', service: { id: 's1' }, consumer: { id: '0123456789' } }, names),
  ).toBe('service orders, consumer 01234567')
  expect(pluginScope({ id: 'p', service: null }, names)).toBe('entire workspace')
})

test('lists the conditions of a route', () => {
  const route = {
    id: 'r',
    methods: ['GET', 'PUT'],
    hosts: null,
    paths: ['/a'],
    headers: { 'x-v': ['1'] },
  }
  expect(routeMatchers(route)).toEqual(['GET PUT', '/a', 'x-v: …'])
})

test('lists the expression of a route in place of other conditions', () => {
  const expression = 'http.path ^= "/a" && net.protocol == "https"'
  expect(routeMatchers({ id: 'r', expression, hosts: null, paths: null })).toEqual([expression])
})
