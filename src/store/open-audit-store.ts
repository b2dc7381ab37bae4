import { openAuditRows, type AuditRows } from './audit-rows.ts'
import type { Engine } from './engine.ts'
import { openPostgres } from './postgres/open-postgres.ts'
import { openSqlite } from './sqlite/open-sqlite.ts'

/** The audit log without the store: reading it needs no key and runs no migration. */
export type AuditStore = {
  readonly rows: Pick<AuditRows, 'read' | 'signed' | 'revisions' | 'revisionEnds'>
  close(): Promise<void>
}

export const openSqliteAudit = (file: string): AuditStore => logOf(openSqlite(file))

export const openPostgresAudit = async (url: string): Promise<AuditStore> =>
  logOf(await openPostgres(url, ''))

const logOf = ({ database, close }: Engine): AuditStore => ({
  rows: openAuditRows(database),
  close,
})
