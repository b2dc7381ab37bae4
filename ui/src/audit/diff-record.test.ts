import { expect, test } from 'vitest'
import { diffRecord } from './diff-record.ts'

const service = {
  entity: 'service',
  id: 's',
  workspace: 'w',
  name: 'orders',
  retries: 5,
  path: null,
}

test('lists the fields that changed', () => {
  const after = { ...service, retries: 7, tags: ['a'] }
  expect(diffRecord([service], [after])).toEqual([
    {
      kind: 'update',
      entity: 'service',
      id: 's',
      name: 'orders',
      under: '',
      workspace: 'w',
      fields: [
        { path: 'retries', before: '5', after: '7' },
        { path: 'tags', before: undefined, after: '["a"]' },
      ],
    },
  ])
})

test('lists all set fields of created and deleted entities', () => {
  const fields = ['name', 'retries']
  const [made] = diffRecord([], [service])
  const [gone] = diffRecord([service], [])
  expect(made).toMatchObject({ kind: 'create', fields: [{ after: 'orders' }, { after: '5' }] })
  expect(gone).toMatchObject({ kind: 'delete', fields: [{ before: 'orders' }, { before: '5' }] })
  expect(made?.fields.map(({ path }) => path)).toEqual(fields)
})
