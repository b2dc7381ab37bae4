import { erasuresTable } from './open-erasures.ts'
import {
  keptFor,
  longestOf,
  mapDays,
  readTtl,
  shortestLengthened,
  type Retention,
} from './retention.ts'
import { rollupLogTable, type SelectRows } from './rollup-log.ts'
import { builtInRollups, rollupTable, type Rollup } from './rollup.ts'
import { createStatement, updateStatements, type StoredTable, type Table } from './tables.ts'

/** A table, and how long the engine keeps its rows. */
export type KeptTable = { readonly table: Table; readonly kept: Retention }

export const rollupsOf = (tables: readonly Table[]): readonly Rollup[] =>
  builtInRollups.filter(({ source }) => tables.some(({ name }) => name === source))

/**
 * The tables, those of their rollups with their log, and that of erasures. Rows with a retention by workspace are shown for whole days, and kept for
 * another one, so that rows and rollups show the same until the last moment.
 */
export function withRollups(
  tables: readonly Table[],
  rollups: readonly Rollup[],
  retentionOf: (table: Table) => Retention,
): readonly KeptTable[] {
  const keptOf = (table: Table): Retention =>
    mapDays(retentionOf(table), (days) => days + Number(table.isKeptByWorkspace === true))
  const own = [...tables, ...(tables.some(isErasable) ? [erasuresTable] : [])].map((table) => ({
    table,
    kept: keptOf(table),
  }))
  if (rollups.length === 0) return own
  const made = rollups.map((rollup) => {
    const source = tables.find(({ name }) => name === rollup.source) as Table
    const { retentionDays: most = Infinity } = rollup
    const kept = mapDays(keptOf(source), (days) => Math.min(days, most))
    return { table: rollupTable(rollup, source), kept }
  })
  const days = Math.max(...made.map(({ kept }) => longestOf(kept)))
  return [...own, ...made, { table: rollupLogTable, kept: keptFor(days) }]
}

const isErasable = ({ name }: Table): boolean => name === 'requests'

type PrepareOptions = {
  readonly tables: readonly KeptTable[]
  readonly command: (sql: string) => Promise<unknown>
  readonly query: SelectRows
  readonly isSynced: boolean | undefined
}

/**
 * Every statement costs milliseconds and rewrites the table's definition on disk, so only what differs is changed. Returns
 * the tables of which some rows are kept longer than before, with the days after which they could expire.
 */
export async function prepareTables(options: PrepareOptions): Promise<ReadonlyMap<string, number>> {
  const lengthened = new Map<string, number>()
  const { tables, command, query, isSynced } = options
  for (const { table, kept } of tables) await command(createStatement(table, kept))
  const stored = await query(storedTables)
  for (const { table, kept } of tables) {
    const found = stored.find(({ name }) => name === table.name) as StoredTable | undefined
    // A server may deny access to its catalog.
    for (const sql of updateStatements(table, kept, found ?? unknownTable, isSynced))
      await command(sql)
    const before = found && readTtl(found.engine)
    const days = before && shortestLengthened(before, kept)
    if (days !== undefined) lengthened.set(table.name, days)
  }
  return lengthened
}

const unknownTable: StoredTable = { columns: [], indexes: [], engine: '' }

const storedTables = `
SELECT stored.name AS name, stored.engine_full AS engine, listed.names AS columns, indexed.names AS indexes
FROM system.tables AS stored
INNER JOIN (
  SELECT table, groupArray(name) AS names FROM system.columns
  WHERE database = currentDatabase() GROUP BY table
) AS listed ON listed.table = stored.name
LEFT JOIN (
  SELECT table, groupArray(name) AS names FROM system.data_skipping_indices
  WHERE database = currentDatabase() GROUP BY table
) AS indexed ON indexed.table = stored.name
WHERE stored.database = currentDatabase()`
