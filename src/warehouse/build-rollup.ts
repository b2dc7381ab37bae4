import type { RollupUnit, Span } from './rollup-log.ts'
import type { Rollup } from './rollup.ts'

/** Queries and inserts have priority: one thread, and groups that do not fit into memory spill to disk. */
const settings = [
  'max_threads = 1',
  'max_insert_threads = 1',
  'max_memory_usage = 1000000000',
  'max_bytes_before_external_group_by = 400000000',
  'insert_deduplicate = 0',
  'max_partitions_per_insert_block = 0',
].join(', ')

/** The statement that builds a unit: from its source, or from the units of a finer rollup that cover it. */
export function buildUnitSql(
  rollup: Rollup,
  unit: RollupUnit,
  finer: { readonly rollup: Rollup; readonly units: readonly RollupUnit[] } | undefined,
): string {
  const states = Object.entries(rollup.states)
  const columns = ['time', ...rollup.keys, 'build', ...states.map(([column]) => column)]
  const [from, where] =
    finer === undefined
      ? [rollup.source, between(unit)]
      : [
          finer.rollup.name,
          `${between(unit)} AND build IN (${finer.units.map(({ build }) => build).join(', ')})`,
        ]
  const values = states.map(([, { build, merge }]) => (finer === undefined ? build : merge))
  const bucket = `toStartOfInterval(time, INTERVAL ${rollup.seconds} SECOND)`
  return [
    `INSERT INTO ${rollup.name} (${columns.join(', ')})`,
    `SELECT ${[`${bucket} AS bucket`, ...rollup.keys, `toUInt64(${unit.build})`, ...values].join(', ')}`,
    `FROM ${from} WHERE ${where}`,
    `GROUP BY ${['bucket', ...rollup.keys].join(', ')}`,
    `SETTINGS ${settings}`,
  ].join('\n')
}

/** Counts the rows of each unit that has any; `start` is in milliseconds. */
export const countUnitsSql = (source: string, length: number, span: Span): string =>
  `SELECT toUnixTimestamp(toStartOfInterval(time, INTERVAL ${length / 1000} SECOND)) * 1000 AS start, count() AS rows
FROM ${source} WHERE ${between(span)} GROUP BY start`

const between = ({ from, to }: Span): string =>
  `time >= fromUnixTimestamp64Milli(${from}, 'UTC') AND time < fromUnixTimestamp64Milli(${to}, 'UTC')`
