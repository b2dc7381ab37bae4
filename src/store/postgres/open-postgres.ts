import pg from 'pg'
import { Kysely, PostgresDialect, sql, type PostgresPool, type PostgresPoolClient } from 'kysely'
import { Problem } from '../../lib/problem.ts'
import type { FixedTables } from '../database.ts'
import type { Engine } from '../engine.ts'
import { watchRevisions, channel } from './watch-revisions.ts'
import { writeBackup } from './write-backup.ts'

/** Several control planes may share the database. Backups are written to a local directory. */
export async function openPostgres(url: string, backups: string): Promise<Engine> {
  const options = connectionOf(url)
  const pool = new pg.Pool({ ...options, max: 10 })
  // The pool replaces broken connections, and the query that used one rejects.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const location = locationOf(url)
  await greet(pool, location)
  const database = new Kysely<FixedTables>({
    dialect: new PostgresDialect({ pool: toBetterSqlite(pool) }),
  })
  return {
    database,
    name: 'postgres',
    location,
    now: sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
    repeatableRead: (work) =>
      database.transaction().setIsolationLevel('repeatable read').execute(work),
    transact: (work) => database.transaction().execute(work),
    // The server flushes before it confirms a commit.
    flush: async () => undefined,
    backUp: () => database.connection().execute((connection) => writeBackup(connection, backups)),
    async vacuum() {
      await sql`vacuum full`.execute(database)
    },
    async notify(transaction) {
      await sql`select pg_notify(${channel}, '')`.execute(transaction)
    },
    watch: (listener) => watchRevisions(options, listener),
    close: () => database.destroy(),
  }
}

/** int8 as number: all values are within Number.MAX_SAFE_INTEGER. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (type, format) =>
    type === pg.types.builtins.INT8 ? Number : (pg.types.getTypeParser(type, format) as never),
}

const connectionOf = (url: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'weir',
  connectionTimeoutMillis: 10_000,
  keepAlive: true,
  types,
})

async function greet(pool: pg.Pool, location: string): Promise<void> {
  try {
    await pool.query('select 1')
  } catch (error) {
    await pool.end()
    const message = `The configuration store ${location} cannot be opened: ${(error as Error).message}`
    throw new Problem('store.unreachable', 503, message, { cause: error })
  }
}

function locationOf(url: string): string {
  const { host, pathname } = new URL(url)
  return `postgres://${host}${pathname}`
}

/** PostgreSQL's text cannot hold NUL; it is replaced with U+FFFD. */
function toBetterSqlite(pool: pg.Pool): PostgresPool {
  const clean = (value: unknown): unknown =>
    typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
  const wrap = (client: pg.PoolClient): PostgresPoolClient => {
    const query = (text: string, parameters: readonly unknown[]): unknown =>
      client.query(text, parameters.map(clean))
    return {
      query: query as PostgresPoolClient['query'],
      release: (destroy) => client.release(destroy),
    }
  }
  return {
    options: pool.options,
    connect: async () => wrap(await pool.connect()),
    end: () => pool.end(),
  }
}
