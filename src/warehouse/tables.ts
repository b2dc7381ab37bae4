import { auditColumns } from '../schema/audit-columns.ts'
import { eventColumns } from '../schema/event.ts'
import { unrecordedColumns } from '../schema/unrecorded-columns.ts'
import { isMixed, ttlClause, type Retention } from './retention.ts'

/** A table of the warehouse. Its column `time` decides when rows expire. */
export type Table = {
  readonly name: string
  /** Column → ClickHouse type, in the order of the table. */
  readonly columns: Readonly<Record<string, { readonly type: string }>>
  /** A ReplacingMergeTree can hold several versions of a row until parts are merged; it is read with FINAL. */
  readonly engine: 'MergeTree' | 'ReplacingMergeTree' | 'AggregatingMergeTree'
  /** The column whose highest value a ReplacingMergeTree keeps; without it, the row that was inserted last. */
  readonly version?: string
  readonly partitionBy?: string
  readonly orderBy: string
  /** Name → column, and the type and granularity of a data-skipping index of it. */
  readonly indexes?: Readonly<Record<string, { readonly column: string; readonly type: string }>>
  /** Days until rows expire, unless WarehouseOptions.retentionDays overrides it. */
  readonly retentionDays: number
  /** Whether workspaces may have a retention of their own. */
  readonly isKeptByWorkspace?: true
  readonly settings?: string
  /** Whether its rows are stored elsewhere too, and are sent again where they are missing. */
  readonly isCopy?: true
}

/** Every finished exchange. Monthly partitions let whole months expire at once. */
const requests: Table = {
  name: 'requests',
  columns: eventColumns,
  engine: 'MergeTree',
  partitionBy: 'toYYYYMM(time)',
  orderBy: '(workspace, service, toStartOfFiveMinutes(time), time)',
  // Rows of a service are together; a consumer calls few services.
  indexes: {
    by_service_name: { column: 'service_name', type: 'set(16) GRANULARITY 2' },
    by_consumer_name: { column: 'consumer_name', type: 'bloom_filter(0.01) GRANULARITY 1' },
  },
  retentionDays: 90,
  isKeptByWorkspace: true,
  settings: 'ttl_only_drop_parts = 1, non_replicated_deduplication_window = 100000',
}

/** The audit log. Several control planes may ship the same record; `sequence` identifies it. */
const audit: Table = {
  name: 'audit',
  columns: auditColumns,
  engine: 'ReplacingMergeTree',
  orderBy: 'sequence',
  retentionDays: 400,
  isCopy: true,
}

/** Events that were not recorded. A count may come several times, and the highest holds. */
const unrecorded: Table = {
  name: 'unrecorded',
  columns: unrecordedColumns,
  engine: 'ReplacingMergeTree',
  version: 'events',
  orderBy: '(workspace, time, source, sequence)',
  retentionDays: 400,
}

/** The tables of every warehouse. */
export const builtInTables: readonly Table[] = [requests, audit, unrecorded]

/** A table as it exists in the engine. */
export type StoredTable = {
  readonly columns: readonly string[]
  readonly indexes: readonly string[]
  /** As in `system.tables`: the engine with its clauses. */
  readonly engine: string
}

/** The statement that creates a table. */
export function createStatement(table: Table, kept: Retention): string {
  const { name, engine, version, partitionBy, orderBy, settings } = table
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (`,
    `  ${[...Object.entries(table.columns).map(defineColumn), ...indexesOf(table).map(defineIndex)].join(',\n  ')}`,
    ')',
    `ENGINE = ${engine}${version === undefined ? '' : `(${version})`}`,
    ...(partitionBy === undefined ? [] : [`PARTITION BY ${partitionBy}`]),
    `ORDER BY ${orderBy}`,
    ttlClause(kept),
    ...(settings === undefined
      ? []
      : [`SETTINGS ${isMixed(kept) ? rowByRow(settings) : settings}`]),
  ].join('\n')
}

/** The statements that bring a table of an earlier version, or with another retention, up to date; with `isSynced` also whether an INSERT waits until its rows are on the disk. */
export function updateStatements(
  table: Table,
  kept: Retention,
  stored: StoredTable,
  isSynced?: boolean,
): readonly string[] {
  const { name, columns } = table
  const additions = Object.entries(columns)
    .filter(([column]) => !stored.columns.includes(column))
    .map((column) => `ADD COLUMN IF NOT EXISTS ${defineColumn(column)}`)
  // Parts that exist get it with their next merge.
  additions.push(
    ...indexesOf(table)
      .filter(([index]) => !stored.indexes.includes(index))
      .map((index) => `ADD ${defineIndex(index).replace('INDEX', 'INDEX IF NOT EXISTS')}`),
  )
  return [
    ...(additions.length === 0 ? [] : [`ALTER TABLE ${name} ${additions.join(', ')}`]),
    ...retentionStatements(table, kept, stored),
    ...(isSynced === undefined || stored.engine.includes('fsync_after_insert = 1') === isSynced
      ? []
      : [`ALTER TABLE ${name} MODIFY SETTING ${syncSettings(isSynced)}`]),
  ]
}

/**
 * The statements that give a table another retention. The engine reads only the columns of its TTL again; merges remove the
 * rows that are over, whole parts at once where all rows are kept equally long.
 */
function retentionStatements(
  { name, settings = '' }: Table,
  kept: Retention,
  { engine }: StoredTable,
): readonly string[] {
  const ttl = ttlClause(kept)
  if (`${engine} `.includes(` ${ttl} `)) return []
  const changed = [
    'materialize_ttl_recalculate_only = 1',
    ...(settings.includes(dropsParts) ? [isMixed(kept) ? rowByRow(dropsParts) : dropsParts] : []),
  ]
  return [
    `ALTER TABLE ${name} MODIFY SETTING ${changed.join(', ')}`,
    `ALTER TABLE ${name} MODIFY ${ttl} SETTINGS mutations_sync = 0`,
  ]
}

type Index = NonNullable<Table['indexes']>[string]

const indexesOf = ({ indexes }: Table): readonly [string, Index][] => Object.entries(indexes ?? {})

const defineIndex = ([name, { column, type }]: readonly [string, Index]): string =>
  `INDEX ${name} ${column} TYPE ${type}`

const rowByRow = (settings: string): string =>
  settings.replace(dropsParts, 'ttl_only_drop_parts = 0')

const dropsParts = 'ttl_only_drop_parts = 1'

const syncSettings = (isSynced: boolean): string =>
  ['fsync_after_insert', 'fsync_part_directory']
    .map((name) => `${name} = ${Number(isSynced)}`)
    .join(', ')

const defineColumn = ([column, { type }]: [string, { readonly type: string }]): string =>
  `${column} ${type}`
