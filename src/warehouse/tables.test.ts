import { expect, test } from 'vitest'
import { builtInTables, tableStatements } from './tables.ts'

test('a table is created with its engine, order, retention and settings', () => {
  const table = {
    name: 't',
    columns: { time: { type: 'DateTime' }, text: { type: 'String' } },
    engine: 'MergeTree',
    partitionBy: 'toYYYYMM(time)',
    orderBy: 'time',
    retentionDays: 7,
    settings: 'ttl_only_drop_parts = 1',
  } as const
  expect(tableStatements(table, 9)).toEqual([
    `CREATE TABLE IF NOT EXISTS t (
  time DateTime,
  text String
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY time
TTL toDateTime(time) + INTERVAL 9 DAY
SETTINGS ttl_only_drop_parts = 1`,
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS time DateTime',
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS text String',
    'ALTER TABLE t MODIFY TTL toDateTime(time) + INTERVAL 9 DAY SETTINGS materialize_ttl_after_modify = 0',
  ])
})

test('requests are kept for 90 days and the audit log for 400', () => {
  const kept = builtInTables.map(({ name, retentionDays }) => [name, retentionDays])
  expect(kept).toEqual([
    ['requests', 90],
    ['audit', 400],
  ])
})
