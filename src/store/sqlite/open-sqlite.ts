import { existsSync, chmodSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Kysely,
  sql,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type SqliteDatabase,
  type SqliteDialectConfig,
  type SqliteStatement,
} from 'kysely'
import { Problem } from '../../lib/problem.ts'
import type { Database, FixedTables } from '../database.ts'
import type { Engine } from '../engine.ts'
import { openWriteAheadLog } from './write-ahead-log.ts'

/** Opens a SQLite file in WAL mode with synchronous=FULL: but for those of `transact`, a commit that returned survives a power loss. */
export function openSqlite(file: string): Engine {
  const connection = connect(file)
  const dialect = new TransactionalSqlite({ database: toBetterSqlite(connection) })
  const database = new Kysely<FixedTables>({ dialect })
  const log = openWriteAheadLog(file, connection)
  return {
    database,
    name: 'sqlite',
    location: file,
    now: sql<number>`cast(unixepoch('subsec') * 1000 as integer)`,
    repeatableRead: (work) => database.transaction().execute(work),
    async transact(work, isLarge) {
      if (!isLarge)
        return database
          .connection()
          .execute((own) => withoutFlush(connection, () => own.transaction().execute(work)))
      const commitLarge = async (transaction: Database) => {
        const result = await work(transaction)
        await log.flush()
        return result
      }
      return log.checkpointAfter(() => database.transaction().execute(commitLarge))
    },
    flush: log.flushTogether,
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
    async close() {
      await log.flushTogether()
      await log.settled()
      await database.destroy()
    },
  }
}

/** Does not flush the log at a commit; SQLite does before it copies the log. */
async function withoutFlush<T>(connection: DatabaseSync, commit: () => Promise<T>): Promise<T> {
  connection.exec('PRAGMA synchronous = NORMAL')
  try {
    return await commit()
  } finally {
    connection.exec('PRAGMA synchronous = FULL')
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

/** SQLite rolls back DDL, although Kysely's adapter states that it does not. */
class TransactionalSqlite extends SqliteDialect {
  readonly #config: SqliteDialectConfig

  constructor(config: SqliteDialectConfig) {
    super(config)
    this.#config = config
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }

  override createDriver(): SqliteDriver {
    return new YieldingDriver(this.#config)
  }
}

/** Lets the event loop run after a long commit, before the query that waits for the connection. */
class YieldingDriver extends SqliteDriver {
  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const startedAt = performance.now()
    await super.commitTransaction(connection)
    if (performance.now() - startedAt > maxHold) await sleep(1)
  }
}

const maxHold = 10

class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** Adapts node:sqlite to the interface of better-sqlite3, which Kysely's dialect expects. */
function toBetterSqlite(connection: DatabaseSync): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>()
  const latest = new Map<string, SqliteStatement>()
  const keep = (text: string, statement: SqliteStatement): void => {
    if (text.length <= maxKeptText) {
      if (kept.size < maxKept) kept.set(text, statement)
      return
    }
    const [oldest] = latest.keys()
    if (oldest !== undefined && latest.size === maxLatest) latest.delete(oldest)
    latest.set(text, statement)
  }
  return {
    close: () => connection.close(),
    prepare(text) {
      const known = kept.get(text) ?? latest.get(text)
      if (known !== undefined) return known
      const statement = connection.prepare(text)
      const bind = (parameters: readonly unknown[]): SQLInputValue[] =>
        parameters as SQLInputValue[]
      const prepared: SqliteStatement = {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...bind(parameters)),
        run: (parameters) => statement.run(...bind(parameters)),
        // Concurrent iterations of one cached statement would interfere.
        iterate: (parameters) => connection.prepare(text).iterate(...bind(parameters)),
      }
      keep(text, prepared)
      return prepared
    },
  }
}

/** Prepared statements that are kept because changes of single entities repeat them. */
const maxKept = 500
const maxKeptText = 2_000

/** Longer ones that are kept: a bulk insert repeats one many times, and a statement is freed no earlier than by a garbage collection. */
const maxLatest = 4
