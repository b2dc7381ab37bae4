import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildEvent } from '../../test/harness/build-event.ts'
import { openWarehouse } from './open-warehouse.ts'
import { builtInRollups } from './rollup.ts'
import type { Table } from './tables.ts'

// chDB opens one directory at a time in a process, so these tests have a file of their own.

test('reopening adds new columns and applies a new retention', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-reopened-'))
  const table: Table = {
    name: 'things',
    columns: { time: { type: 'DateTime' }, name: { type: 'String' } },
    engine: 'MergeTree',
    orderBy: 'time',
    retentionDays: 10_000,
  }
  const first = await openWarehouse({ path: directory, tables: [table] })
  await first.insertBatch('things', 'one', Buffer.from('{"time":"1763700000","name":"a"}\n'))
  await first.close()
  const columns = { ...table.columns, size: { type: 'UInt64' } }
  const second = await openWarehouse({
    path: directory,
    tables: [{ ...table, columns }],
    retentionDays: { things: 20_000, requests: 1 },
  })
  expect(await second.query({ sql: 'SELECT name, size FROM things' })).toEqual([
    { name: 'a', size: 0 },
  ])
  const [row] = await second.query({
    sql: `SELECT create_table_query AS ddl FROM system.tables WHERE name = 'things'`,
  })
  expect(row?.['ddl']).toContain('toIntervalDay(20000)')
  await second.close()
  await rm(directory, { recursive: true, force: true })
})

test('reopening changes nothing of a table that is up to date', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-reopened-'))
  // Every change of a table writes the file of its definition anew.
  const definitions = () => {
    const folder = join(directory, 'metadata', 'default')
    return readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs])
  }
  const open = (days: number) => openWarehouse({ path: directory, retentionDays: { audit: days } })
  await (await open(30)).close()
  const before = definitions()
  expect(before).not.toEqual([])
  await (await open(30)).close()
  expect(definitions()).toEqual(before)
  await (await open(31)).close()
  expect(definitions()).not.toEqual(before)
  await rm(directory, { recursive: true, force: true })
})

test('an error of a listener does not fail the insert and is logged', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-listener-'))
  const logged: unknown[] = []
  const note = (_: string, fields?: unknown) => void logged.push(fields)
  const other = await openWarehouse({
    path: join(directory, 'data', 'warehouse'),
    log: { info: note, warn: note, error: note },
  })
  let notified = 0
  other.onInsert(() => {
    throw new Error('listener')
  })
  other.onInsert(() => notified++)
  await other.insertBatch('requests', 'a', Buffer.from(`${JSON.stringify(buildEvent({}))}\n`))
  expect(notified).toBe(1)
  expect(logged).toEqual([{ error: expect.objectContaining({ message: 'listener' }) as object }])
  await other.close()
  await rm(directory, { recursive: true, force: true })
})

test('a store from before there were rollups keeps its rows, and rollups are built from them', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-before-'))
  const retentionDays = { requests: 10_000 }
  const before = await openWarehouse({ path: directory, retentionDays, rollups: [] })
  const rows = ['1763700000.5', '1763700001'].map((time) => JSON.stringify(buildEvent({ time })))
  await before.insertBatch('requests', 'old', Buffer.from(`${rows.join('\n')}\n`))
  await before.close()
  const rollups = builtInRollups.map((rollup) => ({ ...rollup, minRows: 1 }))
  const after = await openWarehouse({ path: directory, retentionDays, rollups })
  expect(await after.rollups.refresh()).toBeGreaterThan(0)
  const [row] = await after.query({
    sql: 'SELECT (SELECT count() FROM requests) AS rows, (SELECT sum(rows) FROM requests_by_route_day) AS rolled',
  })
  expect(row).toEqual({ rows: 2, rolled: 2 })
  await after.close()
  await rm(directory, { recursive: true, force: true })
})
