import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Migrator } from 'kysely/migration'
import { expect, onTestFinished, test } from 'vitest'
import { openSqlite } from './sqlite/open-sqlite.ts'
import { entityTables } from './database.ts'
import { migrations } from './migrations.ts'
import { openSqliteStore } from './open-sqlite-store.ts'

test('a store of the first release is brought up to date with what it holds', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-migrations-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const file = join(directory, 'weir.db')
  const { database, close } = openSqlite(file)
  const provider = { getMigrations: async () => ({ ...migrations }) }
  await new Migrator({ db: database, provider }).migrateTo('0001-begin')
  const times = { created_at: 1, updated_at: 1 }
  const tables = entityTables(database)
  await tables
    .insertInto('workspaces')
    .values({ id: 'w', name: 'w', body: '{"name":"w"}', ...times })
    .execute()
  await tables
    .insertInto('plugins')
    .values({ id: 'p', workspace_id: 'w', name: 'acl', body: '{"name":"acl"}', ...times })
    .execute()
  await close()
  const store = await openSqliteStore(file)
  onTestFinished(() => store.close())
  const { entries } = await store.load()
  expect(entries.get('plugin')?.get('p')?.fields).toMatchObject({
    name: 'acl',
    consumer_group: null,
  })
  expect(entries.get('consumer-group')?.size).toBe(0)
})
