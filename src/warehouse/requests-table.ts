import { eventColumns } from '../schema/event.ts'
import { alterTable, definitionsOf } from './table-columns.ts'

/** The statement that makes the table `requests`; monthly partitions only so that old months can be dropped whole. */
export const createRequests = (
  retentionDays: number,
): string => `CREATE TABLE IF NOT EXISTS requests (
  ${definitionsOf(eventColumns).join(',\n  ')}
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (workspace, service, toStartOfFiveMinutes(time), time)
TTL toDateTime(time) + INTERVAL ${retentionDays} DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 100000`

/** Brings the table up to date. */
export const alterRequests = (retentionDays: number): readonly string[] =>
  alterTable('requests', eventColumns, retentionDays)
