import { auditColumns } from '../schema/audit-columns.ts'
import { eventColumns } from '../schema/event.ts'

/** A table of the warehouse. Its column `time` decides when rows expire. */
export type Table = {
  readonly name: string
  /** Column → ClickHouse type, in the order of the table. */
  readonly columns: Readonly<Record<string, { readonly type: string }>>
  /** A ReplacingMergeTree can hold several versions of a row until parts are merged; it is read with FINAL. */
  readonly engine: 'MergeTree' | 'ReplacingMergeTree'
  readonly partitionBy?: string
  readonly orderBy: string
  /** Days until rows expire, unless WarehouseOptions.retentionDays overrides it. */
  readonly retentionDays: number
  readonly settings?: string
}

/** Every finished exchange. Monthly partitions let whole months expire at once. */
const requests: Table = {
  name: 'requests',
  columns: eventColumns,
  engine: 'MergeTree',
  partitionBy: 'toYYYYMM(time)',
  orderBy: '(workspace, service, toStartOfFiveMinutes(time), time)',
  retentionDays: 90,
  settings: 'ttl_only_drop_parts = 1, non_replicated_deduplication_window = 100000',
}

/** The audit log. Several control planes may ship the same record; `sequence` identifies it. */
const audit: Table = {
  name: 'audit',
  columns: auditColumns,
  engine: 'ReplacingMergeTree',
  orderBy: 'sequence',
  retentionDays: 400,
}

/** The tables of every warehouse. */
export const builtInTables: readonly Table[] = [requests, audit]

/** The statements that create a table, or bring one of an earlier version up to date. */
export function tableStatements(table: Table, retentionDays: number): readonly string[] {
  const { name, columns, engine, partitionBy, orderBy, settings } = table
  const definitions = Object.entries(columns).map(([column, { type }]) => `${column} ${type}`)
  const ttl = `TTL toDateTime(time) + INTERVAL ${retentionDays} DAY`
  const create = [
    `CREATE TABLE IF NOT EXISTS ${name} (`,
    `  ${definitions.join(',\n  ')}`,
    ')',
    `ENGINE = ${engine}`,
    ...(partitionBy === undefined ? [] : [`PARTITION BY ${partitionBy}`]),
    `ORDER BY ${orderBy}`,
    ttl,
    ...(settings === undefined ? [] : [`SETTINGS ${settings}`]),
  ]
  return [
    create.join('\n'),
    ...definitions.map(
      (definition) => `ALTER TABLE ${name} ADD COLUMN IF NOT EXISTS ${definition}`,
    ),
    `ALTER TABLE ${name} MODIFY ${ttl} SETTINGS materialize_ttl_after_modify = 0`,
  ]
}
