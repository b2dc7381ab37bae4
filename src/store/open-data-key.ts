import { Problem } from '../lib/problem.ts'
import type { Engine } from './engine.ts'
import { openPostgres } from './postgres/open-postgres.ts'
import { dataKeySetting, readRaw } from './setting-rows.ts'
import { openSqlite } from './sqlite/open-sqlite.ts'

/** The wrapped data key, without opening the store. */
export type DataKey = {
  /** Undefined while the store has none. */
  read(): Promise<string | undefined>
  /** Replaces the wrapped key if it is still the one that was read. */
  replace(before: string, after: string): Promise<void>
  close(): Promise<void>
}

export const openSqliteDataKey = (file: string): DataKey => dataKeyOf(openSqlite(file))

export const openPostgresDataKey = async (url: string): Promise<DataKey> =>
  dataKeyOf(await openPostgres(url, ''))

const dataKeyOf = ({ database, location, close }: Engine): DataKey => ({
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
    const message = `The data key of ${location} was changed by another process; try again`
    throw new Problem('store.data_key', 409, message)
  },
  close,
})
