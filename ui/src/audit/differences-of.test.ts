import { expect, test } from 'vitest'
import { differencesOf } from './differences-of.ts'

const service = {
  entity: 'service',
  id: 's',
  workspace: 'w',
  name: 'orders',
  retries: 5,
  path: null,
}

test('of what was changed the fields are told that differ', () => {
  const after = { ...service, retries: 7, tags: ['a'] }
  expect(differencesOf([service], [after])).toEqual([
    {
      id: 's',
      entity: 'service',
      name: 'orders',
      did: 'updated',
      fields: [
        { field: 'retries', before: '5', after: '7' },
        { field: 'tags', before: undefined, after: '["a"]' },
      ],
    },
  ])
})

test('what is new or gone shows all that is set', () => {
  const fields = ['name', 'retries']
  const [made] = differencesOf([], [service])
  const [gone] = differencesOf([service], [])
  expect(made).toMatchObject({ did: 'created', fields: [{ after: 'orders' }, { after: '5' }] })
  expect(gone).toMatchObject({ did: 'deleted', fields: [{ before: 'orders' }, { before: '5' }] })
  expect(made?.fields.map(({ field }) => field)).toEqual(fields)
})
