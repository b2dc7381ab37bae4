import { auditColumns } from '../schema/audit-columns.ts'

const columns = Object.entries(auditColumns).map(([name, { type }]) => `${name} ${type}`)

/** The statement that makes the table `audit`. Several control planes may bring the same record; of those with one sequence one counts. */
export const createAudit = (retentionDays: number): string => `CREATE TABLE IF NOT EXISTS audit (
  ${columns.join(',\n  ')}
)
ENGINE = ReplacingMergeTree
ORDER BY sequence
TTL toDateTime(time) + INTERVAL ${retentionDays} DAY`

/** Statements that bring a table made by an earlier version up to date. */
export const alterAudit = (retentionDays: number): readonly string[] => [
  ...columns.map((column) => `ALTER TABLE audit ADD COLUMN IF NOT EXISTS ${column}`),
  `ALTER TABLE audit MODIFY TTL toDateTime(time) + INTERVAL ${retentionDays} DAY SETTINGS materialize_ttl_after_modify = 0`,
]
