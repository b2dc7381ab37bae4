import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestWarehouse } from '../harness/open-test-warehouse.ts'
import { addPrincipal, openTestAdmin } from './admin-harness.ts'

test('super-admins back up and restore the warehouse, and erase subjects, with records in the audit log', async () => {
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
  await warehouse.store([
    { node: 'b', subject: 'ann@a.example' },
    { node: 'b', subject: 'bob@a.example' },
  ])
  const erased = await admin.ask('POST', '/warehouse/erasures', { subject: 'ann@a.example' })
  expect(erased).toMatchObject({
    status: 200,
    body: { selector: 'subject', before: 1, after: 0, finished: true, workspace: null },
  })
  const { id, salt, hash, audit } = erased.body
  // The owner of the salt can prove whose events they were; the audit log and the warehouse do not name the subject.
  expect(createHash('sha256').update(salt).update('ann@a.example').digest('hex')).toBe(hash)
  const log = await admin.configuration.audit.read({}, 100)
  const [ended] = log.filter(({ because }) => because.includes(`Erasure ${id} is complete`))
  expect(ended?.because).toContain(
    `1 requests before, 0 after. SHA-256 of its salt and the subject: ${hash}.`,
  )
  expect(audit).toMatchObject({
    sequence: ended?.sequence,
    signature: expect.any(String) as string,
  })
  expect(JSON.stringify(log)).not.toContain('ann@')
  const listed = await admin.ask('GET', '/warehouse/erasures')
  expect(listed.body).toMatchObject({ data: [{ id, hash, finished: true }] })
  for (const body of [{}, { subject: '' }, { subject: 'a', agent: 'b' }, { path: '/' }])
    expect((await admin.ask('POST', '/warehouse/erasures', body)).status).toBe(400)
  const nowhere = await admin.ask('POST', '/warehouse/erasures', { subject: 'a', workspace: 'no' })
  expect(nowhere).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/no workspace 'no'/) as string },
  })
  const denied = await admin.ask(
    'POST',
    '/warehouse/erasures',
    { subject: 'bob@a.example' },
    { token },
  )
  expect(denied.status).toBe(403)
  expect(await warehouse.query({ sql: 'SELECT count() AS n FROM requests' })).toEqual([{ n: 2 }])
  await warehouse.close()
  await rm(backups, { recursive: true, force: true })
})
