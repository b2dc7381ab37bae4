import { expect, test } from 'vitest'
import { describeFields } from './describe-fields.ts'

test('fields are in schema order with their description; unknown ones and IDs are last', () => {
  const fields = describeFields('services', {
    id: '1',
    created_at: 1,
    extra: 2,
    port: 80,
    name: 'orders',
  })
  expect(fields.map(({ name }) => name)).toEqual(['name', 'port', 'extra', 'id', 'created_at'])
  expect(fields[1]?.about).toBe(
    'Port of the service. Ignored when `host` is the name of an upstream.',
  )
})

test('marks secrets, and the target of references', () => {
  const fields = describeFields('keys', { id: '1', set: { id: '2' }, kid: 'k', jwk: '{}' })
  expect(fields.filter(({ isSecret }) => isSecret).map(({ name }) => name)).toEqual(['jwk'])
  expect(fields[0]).toMatchObject({ name: 'set', refersTo: 'key-set' })
})
