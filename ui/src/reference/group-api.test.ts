import { expect, test } from 'vitest'
import type { ApiDocument } from './api-document.ts'
import { groupApi, searchGroups } from './group-api.ts'
import { typeLabel } from './type-label.ts'

const answers = {
  '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/plugin' } } } },
}
const document: ApiDocument = {
  tags: [{ name: 'plugins', description: 'Policies.' }, { name: 'status' }],
  paths: {
    '/plugins': { get: { tags: ['plugins'], summary: 'List plugins', responses: answers } },
    '/plugins/{item}': { delete: { tags: ['plugins'], responses: {} } },
    '/status': { get: { tags: ['status'], responses: {} } },
  },
  components: {
    schemas: {
      plugin: { properties: { name: { type: 'string' } } },
      'plugin-acl': { properties: { allow: { type: 'array', items: { type: 'string' } } } },
    },
  },
}

test('groups operations by tag, and an entity with the schemas of its kinds', () => {
  const [plugins, status] = groupApi(document)
  expect(plugins?.calls).toMatchObject([
    { method: 'GET', path: '/plugins', summary: 'List plugins' },
    { method: 'DELETE', path: '/plugins/{item}' },
  ])
  expect(plugins?.schemas.map(([name]) => name)).toEqual(['plugin', 'plugin-acl'])
  expect(status?.schemas).toEqual([])
})

test('finds a group by a field of its schemas', () => {
  expect(searchGroups(groupApi(document), 'ALLOW').map(({ name }) => name)).toEqual(['plugins'])
})

test('formats schema types', () => {
  expect(typeLabel({ type: 'array', items: { type: 'string' } })).toBe('list of string')
  expect(typeLabel({ anyOf: [{ type: 'integer' }, { type: 'null' }] })).toBe('integer')
  expect(typeLabel({ enum: ['http', 'https'] })).toBe('http, https')
})
