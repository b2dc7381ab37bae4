import { openAuditRows, type AuditRows } from './audit-rows.ts'
import type { Engine } from './engine.ts'
import { openPostgres } from './postgres/open-postgres.ts'
import { openSqlite } from './sqlite/open-sqlite.ts'

/** The audit log of a store alone: reading it needs no key, brings no table up to date and changes nothing. */
export type AuditLog = {
  readonly rows: Pick<AuditRows, 'read' | 'signed'>
  close(): Promise<void>
}

/** Opens the log in a SQLite file. */
export const openSqliteAudit = (file: string): AuditLog => logOf(openSqlite(file))

/** Opens the log in a PostgreSQL database. */
export const openPostgresAudit = async (url: string): Promise<AuditLog> =>
  logOf(await openPostgres(url, ''))

const logOf = ({ database, close }: Engine): AuditLog => ({ rows: openAuditRows(database), close })
