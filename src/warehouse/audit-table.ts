import { auditColumns } from '../schema/audit-columns.ts'
import { alterTable, definitionsOf } from './table-columns.ts'

/** The statement that makes the table `audit`. Several control planes may bring the same record; of those with one sequence one counts. */
export const createAudit = (retentionDays: number): string => `CREATE TABLE IF NOT EXISTS audit (
  ${definitionsOf(auditColumns).join(',\n  ')}
)
ENGINE = ReplacingMergeTree
ORDER BY sequence
TTL toDateTime(time) + INTERVAL ${retentionDays} DAY`

/** Brings the table up to date. */
export const alterAudit = (retentionDays: number): readonly string[] =>
  alterTable('audit', auditColumns, retentionDays)
