import { openStore, type StoreOptions } from './open-store.ts'
import { openPostgres } from './postgres/open-postgres.ts'
import type { Store } from './store.ts'

/** Opens the store in a PostgreSQL database, whose backups go into a directory. */
export const openPostgresStore = async (
  url: string,
  backups: string,
  options?: StoreOptions,
): Promise<Store> => openStore(await openPostgres(url, backups), options)
