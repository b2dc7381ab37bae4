import { openStore, type StoreOptions } from './open-store.ts'
import { openSqlite } from './sqlite/open-sqlite.ts'
import type { Store } from './store.ts'

/** Opens the store in a SQLite file, which is made when it is not there. */
export const openSqliteStore = async (file: string, options?: StoreOptions): Promise<Store> =>
  openStore(openSqlite(file), options)
