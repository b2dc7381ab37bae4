import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../lib/problem.ts'
import { openPostgresAudit, openSqliteAudit, type AuditLog } from '../../store/open-audit-log.ts'
import { readSettings } from '../settings.ts'

/** Where a log is, as the command line says it. */
export type AuditSource = {
  readonly data?: string | undefined
  readonly database?: string | undefined
}

/** The file of the key that signs the log. */
export const auditKeyFile = (source: AuditSource): string => settingsOf(source).auditKeyFile

/** Reads the log of a store and lets go of it again. */
export async function withAuditLog<Result>(
  source: AuditSource,
  work: (rows: AuditLog['rows']) => Promise<Result>,
): Promise<Result> {
  const log = await openSource(source)
  try {
    return await work(log.rows)
  } finally {
    await log.close()
  }
}

async function openSource(source: AuditSource): Promise<AuditLog> {
  const { data, databaseUrl } = settingsOf(source)
  if (databaseUrl !== undefined) return openPostgresAudit(databaseUrl)
  const file = join(data, 'weir.db')
  if (existsSync(file)) return openSqliteAudit(file)
  throw new Problem('cli.no_store', 404, `There is no audit log here: ${file} does not exist.`)
}

const settingsOf = ({ data, database }: AuditSource) =>
  readSettings({ WEIR_DATA: data, WEIR_DATABASE_URL: database })
