import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '../database.ts'
import { openSqlite } from './open-sqlite.ts'

const rows = 2_000

test('copies the log of a large transaction into the database apart from its commit', async () => {
  const { engine, countWithoutLog, insert } = await openWithTable()
  await engine.transact((transaction) => insert(transaction, rows), true)
  // A small one is not lost while the thread copies.
  await engine.transact((transaction) => insert(transaction, 1), false)
  await expect.poll(countWithoutLog, { timeout: 45_000 }).toBeGreaterThanOrEqual(rows)
  await engine.close()
  expect(countWithoutLog()).toBe(rows + 1)
})

test('copies the logs of large transactions that follow each other, and of those that fail', async () => {
  const { engine, countWithoutLog, insert } = await openWithTable()
  const failing = engine.transact(async (transaction) => {
    await insert(transaction, rows)
    throw new Error('no')
  }, true)
  const others = Array.from({ length: 3 }, () =>
    engine.transact((transaction) => insert(transaction, rows), true),
  )
  await expect(failing).rejects.toThrow('no')
  await Promise.all(others)
  await engine.close()
  expect(countWithoutLog()).toBe(3 * rows)
})

async function openWithTable() {
  const folder = mkdtempSync(join(tmpdir(), 'weir-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'store.db')
  const engine = openSqlite(file)
  await sql`create table texts (text text)`.execute(engine.database)
  return {
    engine,
    /** The rows that are in the database itself. */
    countWithoutLog: (): number => {
      const copy = join(folder, 'copy.db')
      rmSync(`${copy}-wal`, { force: true })
      copyFileSync(file, copy)
      const connection = new DatabaseSync(copy)
      try {
        return Number(connection.prepare('select count(*) as count from texts').get()?.['count'])
      } finally {
        connection.close()
      }
    },
    insert: async (transaction: Database, count: number): Promise<void> => {
      const text = 'x'.repeat(4_000)
      for (let row = 0; row < count; row += 1)
        await sql`insert into texts values (${text})`.execute(transaction)
    },
  }
}
