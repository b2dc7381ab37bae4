import pg from 'pg'
import { Kysely, PostgresDialect, sql, type PostgresPool, type PostgresPoolClient } from 'kysely'
import { Problem } from '../../lib/problem.ts'
import type { FixedTables } from '../database.ts'
import type { Engine } from '../engine.ts'
import { watchRevisions, channel } from './watch-revisions.ts'
import { writeBackup } from './write-backup.ts'

/** Opens a PostgreSQL database, which several control planes may share; backups of it go into a directory of this machine. */
export async function openPostgres(url: string, backups: string): Promise<Engine> {
  const options = connectionOf(url)
  const pool = new pg.Pool({ ...options, max: 10 })
  // A connection that breaks is replaced by the next that is asked for; who was using it is told by the query.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const place = placeOf(url)
  await greet(pool, place)
  const database = new Kysely<FixedTables>({
    dialect: new PostgresDialect({ pool: asKyselyWants(pool) }),
  })
  return {
    database,
    name: 'postgres',
    place,
    now: sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
    atOnce: (work) => database.transaction().setIsolationLevel('repeatable read').execute(work),
    backUp: () => database.connection().execute((connection) => writeBackup(connection, backups)),
    async compact() {
      await sql`vacuum full`.execute(database)
    },
    async announce(transaction) {
      await sql`select pg_notify(${channel}, '')`.execute(transaction)
    },
    watch: (listener) => watchRevisions(options, listener),
    close: () => database.destroy(),
  }
}

/** Large integers of ours are all within what a number holds. */
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

async function greet(pool: pg.Pool, place: string): Promise<void> {
  try {
    await pool.query('select 1')
  } catch (error) {
    await pool.end()
    const message = `The configuration store ${place} cannot be opened: ${(error as Error).message}`
    throw new Problem('store.unreachable', 503, message, { cause: error })
  }
}

function placeOf(url: string): string {
  const { host, pathname } = new URL(url)
  return `postgres://${host}${pathname}`
}

/** PostgreSQL's text holds every character but NUL, which no name of ours needs. */
function asKyselyWants(pool: pg.Pool): PostgresPool {
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
