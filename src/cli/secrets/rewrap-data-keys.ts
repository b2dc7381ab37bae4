import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../lib/problem.ts'
import { gatewayDataKey } from '../../planes/open-keys.ts'
import type { PlaneSettings } from '../../planes/plane-settings.ts'
import { readDataKeyFile, replaceDataKeyFile } from '../../secrets/data-key-file.ts'
import { openPostgresDataKey, openSqliteDataKey, type DataKey } from '../../store/open-data-key.ts'

/** Wraps the data keys of the store and of the gateway on this machine again; returns their number. Throws when there is none. */
export async function rewrapDataKeys(
  settings: PlaneSettings,
  rewrap: (wrapped: string) => string,
): Promise<number> {
  const file = gatewayDataKey(settings)
  const gatewayKey = readDataKeyFile(file)
  if (gatewayKey !== undefined) replaceDataKeyFile(file, rewrap(gatewayKey))
  const isStoreRewrapped = await rewrapStore(settings, rewrap)
  if (gatewayKey === undefined && !isStoreRewrapped) {
    throw new Problem(
      'cli.no_data_keys',
      404,
      `No data key in ${settings.data}: nothing is encrypted there`,
    )
  }
  return Number(gatewayKey !== undefined) + Number(isStoreRewrapped)
}

async function rewrapStore(
  settings: PlaneSettings,
  rewrap: (wrapped: string) => string,
): Promise<boolean> {
  const store = await openStoreKey(settings)
  if (store === undefined) return false
  try {
    const wrapped = await store.read()
    if (wrapped !== undefined) await store.replace(wrapped, rewrap(wrapped))
    return wrapped !== undefined
  } finally {
    await store.close()
  }
}

async function openStoreKey({ data, databaseUrl }: PlaneSettings): Promise<DataKey | undefined> {
  if (databaseUrl !== undefined) return openPostgresDataKey(databaseUrl)
  const file = join(data, 'weir.db')
  return existsSync(file) ? openSqliteDataKey(file) : undefined
}
