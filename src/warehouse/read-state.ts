import type { SelectRows } from './rollup-log.ts'

export type WarehouseState = {
  /** Milliseconds that opening took. */
  readonly opened_in: number
  readonly tables: readonly {
    readonly name: string
    readonly rows: number
    readonly bytes: number
    readonly parts: number
  }[]
  /** Parts that the engine could not read and has set aside, in `detached` below their table. Their rows are missing. */
  readonly detached: readonly DetachedPart[]
}

export type DetachedPart = {
  readonly table: string
  readonly part: string
  readonly reason: string
  readonly bytes: number
}

export async function readState(query: SelectRows): Promise<Omit<WarehouseState, 'opened_in'>> {
  const tables =
    await query(`SELECT table AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts
FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table`)
  const detached = await query(`SELECT table, name AS part, reason, bytes_on_disk AS bytes
FROM system.detached_parts WHERE database = currentDatabase() ORDER BY table, name`)
  return { tables, detached } as unknown as Omit<WarehouseState, 'opened_in'>
}
