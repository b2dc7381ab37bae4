import { closeSync, existsSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import type { Database } from '../database.ts'

/** Writes the rows of all tables as SQL, for `psql` and a database migrated by the same version. Returns the file name. */
export async function writeBackup(database: Database, directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = freeName(directory)
  const descriptor = openSync(file, 'wx', 0o600)
  const write = (line: string): void => void writeSync(descriptor, `${line}\n`)
  try {
    await database
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (transaction) => {
        const tables = await tablesIn(transaction)
        write('begin;')
        write('set constraints all deferred;')
        if (tables.length > 0) write(`truncate ${tables.map(quoted).join(', ')};`)
        for (const table of tables) await writeTable(transaction, table, write)
        write('commit;')
      })
  } finally {
    closeSync(descriptor)
  }
  return file
}

function freeName(directory: string): string {
  const day = new Date().toISOString().slice(0, 10)
  for (let number = 1; ; number += 1) {
    const name = join(directory, `weir-backup-${day}-${number}.sql`)
    if (!existsSync(name)) return name
  }
}

/** Each table after those it refers to, because not every foreign key is deferrable. */
async function tablesIn(database: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string; parents: string[] }>`
    select c.relname as name, coalesce(array_agg(p.relname::text) filter
      (where p.relname is not null and p.oid <> c.oid), '{}') as parents
    from pg_class c
    left join pg_constraint k on k.conrelid = c.oid and k.contype = 'f'
    left join pg_class p on p.oid = k.confrelid
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
    group by c.relname`.execute(database)
  const ordered = new Set<string>()
  const parentsOf = new Map(rows.map(({ name, parents }) => [name, parents]))
  const add = (name: string): void => {
    if (ordered.has(name)) return
    for (const parent of parentsOf.get(name) ?? []) add(parent)
    ordered.add(name)
  }
  for (const name of [...parentsOf.keys()].toSorted()) add(name)
  return [...ordered]
}

const batchSize = 500

async function writeTable(
  database: Database,
  table: string,
  write: (line: string) => void,
): Promise<void> {
  await sql`declare backup no scroll cursor for select * from ${sql.table(table)}`.execute(database)
  for (;;) {
    const fetched = sql<Record<string, unknown>>`fetch ${sql.lit(batchSize)} from backup`
    const { rows } = await fetched.execute(database)
    for (const row of rows) {
      const columns = Object.keys(row).map(quoted).join(', ')
      const values = Object.values(row).map(literal).join(', ')
      write(`insert into ${quoted(table)} (${columns}) values (${values});`)
    }
    if (rows.length < batchSize) break
  }
  await sql`close backup`.execute(database)
}

const quoted = (name: string): string => pg.escapeIdentifier(name)

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'`
  return typeof value === 'string' ? pg.escapeLiteral(value) : JSON.stringify(value)
}
