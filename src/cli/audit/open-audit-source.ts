import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../lib/problem.ts'
import type { AuditRows } from '../../store/audit-rows.ts'
import { openPostgresStore } from '../../store/open-postgres-store.ts'
import { openSqliteStore } from '../../store/open-sqlite-store.ts'
import type { Store } from '../../store/store.ts'
import { readSettings } from '../settings.ts'

/** Where a log is, as the command line says it. */
export type AuditSource = {
  readonly data?: string | undefined
  readonly database?: string | undefined
}

/** The file of the key that signs the log. */
export const auditKeyFile = ({ data }: AuditSource): string => settingsOf(data).auditKeyFile

/** Reads the log of a store and lets go of it again. */
export async function withAuditRows<Result>(
  source: AuditSource,
  work: (rows: AuditRows) => Promise<Result>,
): Promise<Result> {
  const store = await openSource(source)
  try {
    return await work(store.audit)
  } finally {
    await store.close()
  }
}

async function openSource({ data, database }: AuditSource): Promise<Store> {
  const { data: directory } = settingsOf(data)
  if (database !== undefined) return openPostgresStore(database, join(directory, 'backups'))
  const file = join(directory, 'weir.db')
  if (existsSync(file)) return openSqliteStore(file)
  throw new Problem('cli.no_store', 404, `There is no audit log here: ${file} does not exist.`)
}

const settingsOf = (data: string | undefined) => readSettings({ WEIR_DATA: data })
