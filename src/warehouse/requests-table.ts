import { eventColumns } from '../schema/event.ts'

/** The statement that makes the table `requests`; monthly partitions only so that old months can be dropped whole. */
export const createRequests = (
  retentionDays: number,
): string => `CREATE TABLE IF NOT EXISTS requests (
  ${Object.entries(eventColumns).map(definition).join(',\n  ')}
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (workspace, service, toStartOfFiveMinutes(time), time)
TTL toDateTime(time) + INTERVAL ${retentionDays} DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 100000`

/** Statements that bring a table made by an earlier version up to date. */
export const alterRequests = (retentionDays: number): readonly string[] => [
  ...Object.entries(eventColumns).map(
    ([name, column]) =>
      `ALTER TABLE requests ADD COLUMN IF NOT EXISTS ${definition([name, column])}`,
  ),
  `ALTER TABLE requests MODIFY TTL toDateTime(time) + INTERVAL ${retentionDays} DAY SETTINGS materialize_ttl_after_modify = 0`,
]

const definition = ([name, { type }]: [string, { readonly type: string }]): string =>
  `${name} ${type}`
