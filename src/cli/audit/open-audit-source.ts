import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../lib/problem.ts'
import {
  openPostgresAudit,
  openSqliteAudit,
  type AuditStore,
} from '../../store/open-audit-store.ts'
import { readSettings } from '../settings.ts'

/** The store of the log, by options of the command line. */
export type AuditSource = {
  readonly data?: string | undefined
  readonly database?: string | undefined
}

export const auditKeyFile = (source: AuditSource): string => sourceSettings(source).auditKeyFile

export async function withAuditLog<Result>(
  source: AuditSource,
  work: (rows: AuditStore['rows']) => Promise<Result>,
): Promise<Result> {
  const log = await openSource(source)
  try {
    return await work(log.rows)
  } finally {
    await log.close()
  }
}

async function openSource(source: AuditSource): Promise<AuditStore> {
  const { data, databaseUrl } = sourceSettings(source)
  if (databaseUrl !== undefined) return openPostgresAudit(databaseUrl)
  const file = join(data, 'weir.db')
  if (existsSync(file)) return openSqliteAudit(file)
  throw new Problem('cli.no_store', 404, `No audit log: ${file} does not exist.`)
}

const sourceSettings = ({ data, database }: AuditSource) =>
  readSettings({ WEIR_DATA: data, WEIR_DATABASE_URL: database })
