import { Problem } from '../lib/problem.ts'
import type { Engine } from './engine.ts'
import { openPostgres } from './postgres/open-postgres.ts'
import { dataKeySetting, readRaw } from './setting-rows.ts'
import { openSqlite } from './sqlite/open-sqlite.ts'

/** The wrapped data key of a store, without the store. */
export type DataKey = {
  /** Undefined while the store has none. */
  read(): Promise<string | undefined>
  /** Puts another wrapping of the same key in the place of the one that was read. */
  replace(before: string, after: string): Promise<void>
  close(): Promise<void>
}

/** Opens the data key in a SQLite file. */
export const openSqliteDataKey = (file: string): DataKey => dataKeyOf(openSqlite(file))

/** Opens the data key in a PostgreSQL database. */
export const openPostgresDataKey = async (url: string): Promise<DataKey> =>
  dataKeyOf(await openPostgres(url, ''))

const dataKeyOf = ({ database, place, close }: Engine): DataKey => ({
  async read() {
    const tables = await database.introspection.getTables()
    const hasSettings = tables.some(({ name }) => name === 'settings')
    return hasSettings ? readRaw(database, dataKeySetting) : undefined
  },
  async replace(before, after) {
    const { numUpdatedRows } = await database
      .updateTable('settings')
      .set({ value: after })
      .where('name', '=', dataKeySetting)
      .where('value', '=', before)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 1n) return
    const message = `The data key of ${place} was wrapped by somebody else meanwhile; try again`
    throw new Problem('store.data_key', 409, message)
  },
  close,
})
