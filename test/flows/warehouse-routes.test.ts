import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestWarehouse } from '../harness/open-test-warehouse.ts'
import { addPrincipal, openTestAdmin } from './admin-harness.ts'

test('super-admins back up and restore the warehouse, with a record in the audit log', async () => {
  const backups = await mkdtemp(join(tmpdir(), 'weir-backups-'))
  const warehouse = await openTestWarehouse({ backups })
  const admin = await openTestAdmin({ warehouse })
  await warehouse.store([{ node: 'a' }])
  const state = await admin.ask('GET', '/warehouse')
  expect(state.body).toMatchObject({
    opened_in: expect.any(Number) as number,
    tables: [{ name: 'requests', rows: 1, parts: 1 }],
    detached: [],
  })
  const made = await admin.ask('POST', '/warehouse/backups', { name: 'first' })
  expect(made).toMatchObject({
    status: 200,
    body: { name: 'first', tables: ['requests', 'unrecorded'] },
  })
  const back = await admin.ask('POST', '/warehouse/backups/first/restore')
  expect(back).toMatchObject({
    status: 409,
    body: { message: expect.stringMatching(/twice/) as string },
  })
  expect((await admin.ask('POST', '/warehouse/backups', {})).status).toBe(400)
  expect((await admin.ask('POST', '/warehouse/backups/none/restore')).status).toBe(404)
  const token = await addPrincipal(admin, {
    name: 'ann',
    workspace: 'default',
    endpoints: [{ endpoint: '*', actions: 'create,read' }],
  })
  expect((await admin.ask('GET', '/warehouse', undefined, { token })).status).toBe(200)
  const refused = await admin.ask('POST', '/warehouse/backups', { name: 'second' }, { token })
  expect(refused.status).toBe(403)
  const records = await admin.configuration.audit.read({}, 100)
  expect(records.map(({ because }) => because)).toEqual(
    expect.arrayContaining([
      'Creates the warehouse backup first.',
      'Restores the warehouse backup first.',
    ]),
  )
  await warehouse.close()
  await rm(backups, { recursive: true, force: true })
})
