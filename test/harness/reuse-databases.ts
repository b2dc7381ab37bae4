import { onTestFinished, TestRunner } from 'vitest'
import pg from 'pg'
import { migrateStore } from '../../src/store/migrations/migrate-store.ts'
import { openPostgres } from '../../src/store/postgres/open-postgres.ts'

/**
 * Databases with the tables of a store and the rows of a new one, each used by one test after the other: on PostgreSQL
 * a new database and its migrations cost more than most tests.
 */
export function reuseDatabases(
  create: () => Promise<string>,
  backups: string,
): () => Promise<string> {
  const free: string[] = []
  return async () => {
    const url = free.pop() ?? (await prepare(await create(), backups))
    // Outside a test, the database is used until the end of the file.
    if (TestRunner.getCurrentTest() === undefined) return url
    onTestFinished(async () => {
      await run(url, restore)
      free.push(url)
    })
    return url
  }
}

async function prepare(url: string, backups: string): Promise<string> {
  const engine = await openPostgres(url, backups)
  await migrateStore(engine, undefined)
  await engine.close()
  await run(url, keep)
  return url
}

/** Copies the rows of a new store to the schema `kept`. */
const keep = `
create schema kept;
do $$ declare name text; present boolean; begin
  for name in select tablename from pg_tables where schemaname = 'public' loop
    execute format('select exists (table public.%I)', name) into present;
    if present then execute format('create table kept.%1$I as table public.%1$I', name); end if;
  end loop;
end $$`

// The role `replica` switches off foreign keys.
const restore = `
do $$ declare name text; begin
  set local session_replication_role = replica;
  for name in select tablename from pg_tables where schemaname = 'public' loop
    execute format('delete from public.%I', name);
    if to_regclass(format('kept.%I', name)) is not null then
      execute format('insert into public.%1$I table kept.%1$I', name);
    end if;
  end loop;
end $$`

async function run(url: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statements)
  } finally {
    await client.end()
  }
}
