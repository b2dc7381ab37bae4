import type { Cipher } from '../lib/cipher.ts'
import type { Database } from './database.ts'

/** Under this name rests the wrapped data key, the one setting that is not sealed by it. */
export const dataKeySetting = 'data_key'

/** What the program keeps about itself, sealed: keys, the join secret. */
export type SettingRows = {
  read(name: string): Promise<string | undefined>
  /** The setting, which becomes what is given when there is none. */
  keep(name: string, value: string): Promise<string>
  /** Without a value the setting is removed. */
  write(name: string, value: string | undefined): Promise<void>
}

/** Opens the table of settings. */
export function openSettingRows(database: Database, cipher: Cipher): SettingRows {
  const read = async (name: string): Promise<string | undefined> => {
    const value = await readRaw(database, name)
    return value === undefined ? undefined : cipher.open(value, placeOf(name))
  }
  return {
    read,
    async keep(name, value) {
      const sealed = cipher.seal(value, placeOf(name))
      return cipher.open(await keepRaw(database, name, sealed), placeOf(name))
    },
    async write(name, value) {
      if (value === undefined) {
        await database.deleteFrom('settings').where('name', '=', name).execute()
      } else {
        await writeRaw(database, name, cipher.seal(value, placeOf(name)))
      }
    },
  }
}

/** Where a setting rests, for the cipher. */
export const placeOf = (name: string): string => `settings/${name}`

/** A setting as it rests. */
export async function readRaw(database: Database, name: string): Promise<string | undefined> {
  const query = database.selectFrom('settings').select('value').where('name', '=', name)
  return (await query.executeTakeFirst())?.value
}

/** Of two who keep a setting at the same moment both get the same. */
export async function keepRaw(database: Database, name: string, value: string): Promise<string> {
  const insert = database.insertInto('settings').values({ name, value })
  await insert.onConflict((row) => row.column('name').doNothing()).execute()
  return (await readRaw(database, name)) ?? value
}

/** Writes a setting as it is to rest. */
export async function writeRaw(database: Database, name: string, value: string): Promise<void> {
  const insert = database.insertInto('settings').values({ name, value })
  await insert.onConflict((row) => row.column('name').doUpdateSet({ value })).execute()
}
