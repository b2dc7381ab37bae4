import { join } from 'node:path'
import type { Log } from '../lib/log.ts'
import { openPostgresStore } from '../store/open-postgres-store.ts'
import { openSqliteStore } from '../store/open-sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { openKeys } from './open-keys.ts'
import type { PlaneSettings } from './plane-settings.ts'

/** The configuration store that the settings name: a PostgreSQL database, or a SQLite file in the data directory. */
export function openConfiguredStore(settings: PlaneSettings, log: Log): Promise<Store> {
  const { data, databaseUrl } = settings
  const options = { keyring: openKeys(settings, log), log }
  return databaseUrl === undefined
    ? openSqliteStore(join(data, 'weir.db'), options)
    : openPostgresStore(databaseUrl, data, options)
}
