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
export const auditKeyFile = ({ data }: AuditSource): string => settingsOf(data).auditKeyFile

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

async function openSource({ data, database }: AuditSource): Promise<AuditLog> {
  const { data: directory, databaseUrl } = settingsOf(data)
  const url = database ?? databaseUrl
  if (url !== undefined) return openPostgresAudit(url)
  const file = join(directory, 'weir.db')
  if (existsSync(file)) return openSqliteAudit(file)
  throw new Problem('cli.no_store', 404, `There is no audit log here: ${file} does not exist.`)
}

const settingsOf = (data: string | undefined) => readSettings({ WEIR_DATA: data })
