import { openStore, type StoreOptions } from './open-store.ts'
import { openSqlite } from './sqlite/open-sqlite.ts'
import type { Store } from './store.ts'

export const openSqliteStore = async (file: string, options?: StoreOptions): Promise<Store> =>
  openStore(openSqlite(file), options)
