import { readdirSync, rmSync, truncateSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildEvent } from '../../test/harness/build-event.ts'
import { openWarehouse, type Warehouse } from './open-warehouse.ts'

// chDB opens one directory at a time in a process, so these tests have a file of their own.

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-backup-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const logged: unknown[] = []
const note = (_: string, fields?: unknown) => void logged.push(fields)

const open = (name: string): Promise<Warehouse> =>
  openWarehouse({
    path: join(directory, name),
    backups: join(directory, 'backups'),
    retentionDays: { requests: 10_000 },
    log: { info: note, warn: note, error: note },
  })

let batch = 0
const store = async (warehouse: Warehouse, events: Parameters<typeof buildEvent>[0][]) => {
  const lines = events.map((event) => `${JSON.stringify(buildEvent(event))}\n`)
  await warehouse.insertBatch('requests', `b-${(batch += 1)}`, Buffer.from(lines.join('')))
}
const nodes = async (warehouse: Warehouse): Promise<unknown> => {
  const sql = 'SELECT DISTINCT node FROM requests ORDER BY node'
  return (await warehouse.query({ sql })).map((row) => row['node'])
}

test('a backup is made beside inserts, and restored into an empty warehouse', async () => {
  const first = await open('one')
  await store(first, [{ node: 'a' }, { node: 'b', time: '1766700000.000000' }])
  const [backup] = await Promise.all([
    first.backups.create('monday'),
    store(first, [{ node: 'maybe' }]),
  ])
  expect(backup).toEqual({
    name: 'monday',
    time: expect.any(Number) as number,
    tables: ['requests', 'unrecorded'],
  })
  await expect(first.backups.create('monday')).rejects.toMatchObject({
    code: 'warehouse.backup_exists',
    status: 409,
  })
  await expect(first.backups.restore('monday')).rejects.toMatchObject({
    code: 'warehouse.not_empty',
    status: 409,
  })
  await first.close()
  const second = await open('two')
  // A row from after the backup does not prevent restoring.
  await store(second, [{ node: 'new', time: `${Date.now() / 1000 + 60}` }])
  await second.backups.restore('monday')
  expect((await nodes(second)) as string[]).toEqual(expect.arrayContaining(['a', 'b', 'new']))
  await expect(second.backups.restore('monday')).rejects.toMatchObject({ status: 409 })
  await second.close()
})

test.each(['', '../x', 'a/b', '.', `it's`])('a backup cannot be named %o', async (name) => {
  const warehouse = await open('two')
  await expect(warehouse.backups.create(name)).rejects.toMatchObject({
    code: 'warehouse.backup_name',
    status: 400,
  })
  await expect(warehouse.backups.restore('sunday')).rejects.toMatchObject({
    code: 'warehouse.backup_unknown',
    status: 404,
  })
  await warehouse.close()
})

test('a damaged part is detached and reported, and the other rows are kept', async () => {
  const before = await open('three')
  await store(before, [{ node: 'kept' }])
  await store(before, [{ node: 'lost', time: '1766700000.000000' }])
  expect((await before.state()).detached).toEqual([])
  await before.close()
  const parts = readdirSync(join(directory, 'three'), { recursive: true, withFileTypes: true })
  const file = parts.find(
    (one) => one.name === 'data.bin' && one.parentPath.includes('/202512_') === true,
  )
  truncateSync(join(file?.parentPath ?? '', 'data.bin'), 10)
  logged.length = 0
  const after = await open('three')
  expect(await nodes(after)).toEqual(['kept'])
  const { detached, tables } = await after.state()
  expect(detached.map(({ table }) => table)).toEqual(['requests'])
  expect(detached[0]?.part).toContain('202512_')
  expect(tables.find(({ name }) => name === 'requests')?.rows).toBe(1)
  expect(logged).toEqual([{ parts: detached }])
  await after.close()
  rmSync(join(directory, 'three'), { recursive: true })
})
