import { existsSync, chmodSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import {
  Kysely,
  sql,
  SqliteAdapter,
  SqliteDialect,
  type SqliteDatabase,
  type SqliteStatement,
} from 'kysely'
import { Problem } from '../../lib/problem.ts'
import type { FixedTables } from '../database.ts'
import type { Engine } from '../engine.ts'

/** Opens a SQLite file in WAL mode with synchronous=FULL: a commit that returned survives a power loss. */
export function openSqlite(file: string): Engine {
  const connection = connect(file)
  const dialect = new TransactionalSqlite({ database: asKyselyWants(connection) })
  const database = new Kysely<FixedTables>({ dialect })
  return {
    database,
    name: 'sqlite',
    location: file,
    now: sql<number>`cast(unixepoch('subsec') * 1000 as integer)`,
    repeatableRead: (work) => database.transaction().execute(work),
    async backUp() {
      const copy = freeName(file)
      connection.prepare('VACUUM INTO ?').run(copy)
      chmodSync(copy, 0o600)
      return copy
    },
    async vacuum() {
      connection.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
    },
    // A lock gives one process the data directory, so there are no other writers.
    notify: async () => undefined,
    watch: () => () => undefined,
    close: () => database.destroy(),
  }
}

function connect(file: string): DatabaseSync {
  try {
    const connection = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 5000 })
    connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    return connection
  } catch (error) {
    const message = `The configuration store ${file} cannot be opened: ${(error as Error).message}`
    throw new Problem('store.open', 500, message, { cause: error })
  }
}

function freeName(file: string): string {
  const day = new Date().toISOString().slice(0, 10)
  for (let number = 1; ; number += 1) {
    const name = `${file}.backup-${day}-${number}`
    if (!existsSync(name)) return name
  }
}

/** SQLite rolls back DDL; Kysely's adapter says it does not. */
class TransactionalSqlite extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }
}

class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** Adapts node:sqlite to the interface of better-sqlite3, which Kysely's dialect expects. */
function asKyselyWants(connection: DatabaseSync): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>()
  return {
    close: () => connection.close(),
    prepare(text) {
      const known = kept.get(text)
      if (known !== undefined) return known
      const statement = connection.prepare(text)
      const bind = (parameters: readonly unknown[]): SQLInputValue[] =>
        parameters as SQLInputValue[]
      const prepared: SqliteStatement = {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...bind(parameters)),
        run: (parameters) => statement.run(...bind(parameters)),
        // Of a statement that is kept, one iteration would disturb another.
        iterate: (parameters) => connection.prepare(text).iterate(...bind(parameters)),
      }
      if (text.length <= maxKeptText && kept.size < maxKept) kept.set(text, prepared)
      return prepared
    },
  }
}

/** Prepared statements that are kept. Those of changes of single entities recur, bulk inserts are of any length. */
const maxKept = 500
const maxKeptText = 2_000
