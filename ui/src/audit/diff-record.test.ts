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

test('of what was changed the fields are told that differ', () => {
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

test('what is new or gone shows all that is set', () => {
  const fields = ['name', 'retries']
  const [made] = diffRecord([], [service])
  const [gone] = diffRecord([service], [])
  expect(made).toMatchObject({ kind: 'create', fields: [{ after: 'orders' }, { after: '5' }] })
  expect(gone).toMatchObject({ kind: 'delete', fields: [{ before: 'orders' }, { before: '5' }] })
  expect(made?.fields.map(({ path }) => path)).toEqual(fields)
})
