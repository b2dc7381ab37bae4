import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'

/** Runs statements directly in a database and returns the rows of the last. */
export async function runSql(place: string, text: string): Promise<Record<string, unknown>[]> {
  if (!place.startsWith('postgres:')) return runInSqlite(place, text)
  const client = new pg.Client({ connectionString: place })
  await client.connect()
  try {
    const results = [await client.query<Record<string, unknown>>(text)].flat()
    return results.at(-1)?.rows ?? []
  } finally {
    await client.end()
  }
}

function runInSqlite(file: string, text: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file)
  try {
    if (/^\s*select/i.test(text)) return database.prepare(text).all()
    database.exec(text)
    return []
  } finally {
    database.close()
  }
}

/** The contents of all tables of a database except the audit log, as one text. */
export async function everythingIn(place: string): Promise<string> {
  const rows = await rowsIn(place)
  return rows.flatMap(({ table, values }) => (table === 'audit' ? [] : values)).join('\n')
}

/** Every row of a database, with its values as text. */
export async function rowsIn(place: string) {
  const names = place.startsWith('postgres:')
    ? `select tablename as name from pg_tables where schemaname = 'public'`
    : `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'`
  const found: { readonly table: string; readonly values: readonly string[] }[] = []
  for (const { name } of await runSql(place, names)) {
    const rows = await runSql(place, `select * from "${String(name)}"`)
    const table = String(name)
    found.push(...rows.map((row) => ({ table, values: Object.values(row).map(textOf) })))
  }
  return found
}

const textOf = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : JSON.stringify(value)
