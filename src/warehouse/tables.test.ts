import { expect, test } from 'vitest'
import { keptFor } from './retention.ts'
import { builtInTables, createStatement, updateStatements } from './tables.ts'

const table = {
  name: 't',
  columns: { time: { type: 'DateTime' }, text: { type: 'String' }, size: { type: 'UInt64' } },
  engine: 'MergeTree',
  partitionBy: 'toYYYYMM(time)',
  orderBy: 'time',
  indexes: { by_text: { column: 'text', type: 'set(16) GRANULARITY 2' } },
  retentionDays: 7,
  settings: 'ttl_only_drop_parts = 1',
} as const

test('a table is created with its engine, order, retention and settings', () => {
  expect(createStatement(table, keptFor(9))).toBe(
    `CREATE TABLE IF NOT EXISTS t (
  time DateTime,
  text String,
  size UInt64,
  INDEX by_text text TYPE set(16) GRANULARITY 2
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY time
TTL toDateTime(time) + toIntervalDay(9)
SETTINGS ttl_only_drop_parts = 1`,
  )
})

test('a table gets the columns and indexes that it lacks, and another retention', () => {
  const engine = 'MergeTree ORDER BY time TTL toDateTime(time) + toIntervalDay(90) SETTINGS a = 1'
  expect(updateStatements(table, keptFor(9), { columns: ['time'], indexes: [], engine })).toEqual([
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS text String, ADD COLUMN IF NOT EXISTS size UInt64, ADD INDEX IF NOT EXISTS by_text text TYPE set(16) GRANULARITY 2',
    'ALTER TABLE t MODIFY SETTING materialize_ttl_recalculate_only = 1, ttl_only_drop_parts = 1',
    'ALTER TABLE t MODIFY TTL toDateTime(time) + toIntervalDay(9) SETTINGS mutations_sync = 0',
  ])
})

test('requests are kept for 90 days, the audit log and counts for 400', () => {
  const kept = builtInTables.map(({ name, retentionDays }) => [name, retentionDays])
  expect(kept).toEqual([
    ['requests', 90],
    ['audit', 400],
    ['unrecorded', 400],
  ])
})

test('rows that are kept for a hundred years do not expire at once', () => {
  expect(createStatement(table, keptFor(36_500))).toContain('toIntervalDay(20000)')
})
