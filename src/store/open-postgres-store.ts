import { openStore, type StoreOptions } from './open-store.ts'
import { openPostgres } from './postgres/open-postgres.ts'
import type { Store } from './store.ts'

/** Backups before migrations are written to the directory. */
export const openPostgresStore = async (
  url: string,
  backups: string,
  options?: StoreOptions,
): Promise<Store> => openStore(await openPostgres(url, backups), options)
