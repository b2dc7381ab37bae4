import { readFileSync } from 'node:fs'
import { PostgresAdapter, sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { chainAuditRecords } from './chain-audit-records.ts'

/**
 * Migrations in order of name. The DDL of each is text, one file for SQLite and one for PostgreSQL; a released file
 * never changes, because stores exist that were made by it (CONTRIBUTING.md, "How to add a migration").
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-begin': ddl('0001-begin'),
  '0002-changes': ddl('0002-changes'),
  '0003-more-entities': ddl('0003-more-entities'),
  '0004-audit-chain': ddl('0004-audit-chain', chainAuditRecords),
  '0005-groups': ddl('0005-groups'),
  '0006-leases': ddl('0006-leases'),
  '0007-roots': ddl('0007-roots'),
  '0008-reference-indexes': ddl('0008-reference-indexes'),
  '0009-vault-prefixes': ddl('0009-vault-prefixes'),
  '0010-revision-hashes': ddl('0010-revision-hashes'),
  '0011-partials': ddl('0011-partials'),
  '0012-sign-in': ddl('0012-sign-in'),
}

/** Executes the DDL of a migration, then changes the rows that are already there. */
function ddl(
  name: string,
  changeRows: (database: Kysely<unknown>) => Promise<void> = async () => undefined,
): Migration {
  return {
    async up(database: Kysely<unknown>) {
      const isPostgres = database.getExecutor().adapter instanceof PostgresAdapter
      const file = `./${name}.${isPostgres ? 'postgres' : 'sqlite'}.sql`
      const text = readFileSync(new URL(file, import.meta.url), 'utf8')
      for (const statement of text.split(/;\n/).filter((part) => part.trim() !== '')) {
        await sql.raw(statement).execute(database)
      }
      await changeRows(database)
    },
  }
}
