import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely'
import { Problem } from '../../lib/problem.ts'
import type { Database } from '../database.ts'

/** Opens a SQLite file that survives the loss of power: write-ahead log, every commit on disk before it is answered. */
export function openSqlite(file: string): Database {
  const connection = connect(file)
  return new Kysely({ dialect: new SqliteDialect({ database: asKyselyWants(connection) }) })
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

/** Kysely's dialect speaks to better-sqlite3; node:sqlite takes parameters one by one and does not say what is a reader. */
function asKyselyWants(connection: DatabaseSync): SqliteDatabase {
  return {
    close: () => connection.close(),
    prepare(text) {
      const statement = connection.prepare(text)
      const bind = (parameters: readonly unknown[]): SQLInputValue[] =>
        parameters as SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...bind(parameters)),
        run: (parameters) => statement.run(...bind(parameters)),
        iterate: (parameters) => statement.iterate(...bind(parameters)),
      }
    },
  }
}
