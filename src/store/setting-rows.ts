import type { Cipher } from '../lib/cipher.ts'
import type { Database } from './database.ts'

/** The setting that holds the wrapped data key, and is the only one that is not encrypted with it. */
export const dataKeySetting = 'data_key'

/** Encrypted settings: the seal key, the join secret and the like. */
export type SettingRows = {
  read(name: string): Promise<string | undefined>
  /** Inserts the setting unless it exists, and returns the one that is stored. */
  getOrInsert(name: string, value: string): Promise<string>
  /** Undefined deletes the setting. */
  write(name: string, value: string | undefined): Promise<void>
}

export function openSettingRows(database: Database, cipher: Cipher): SettingRows {
  const read = async (name: string): Promise<string | undefined> => {
    const value = await readRaw(database, name)
    return value === undefined ? undefined : cipher.open(value, settingAad(name))
  }
  return {
    read,
    async getOrInsert(name, value) {
      const sealed = cipher.seal(value, settingAad(name))
      return cipher.open(await getOrInsertRaw(database, name, sealed), settingAad(name))
    },
    async write(name, value) {
      if (value === undefined) {
        await database.deleteFrom('settings').where('name', '=', name).execute()
      } else {
        await writeRaw(database, name, cipher.seal(value, settingAad(name)))
      }
    },
  }
}

/** The additional authenticated data of a setting. */
export const settingAad = (name: string): string => `settings/${name}`

/** A setting as stored, without decryption. */
export async function readRaw(database: Database, name: string): Promise<string | undefined> {
  const query = database.selectFrom('settings').select('value').where('name', '=', name)
  return (await query.executeTakeFirst())?.value
}

/** Concurrent callers get the same value. */
export async function getOrInsertRaw(
  database: Database,
  name: string,
  value: string,
): Promise<string> {
  const insert = database.insertInto('settings').values({ name, value })
  await insert.onConflict((row) => row.column('name').doNothing()).execute()
  return (await readRaw(database, name)) ?? value
}

/** Writes a setting as given, without encryption. */
export async function writeRaw(database: Database, name: string, value: string): Promise<void> {
  const insert = database.insertInto('settings').values({ name, value })
  await insert.onConflict((row) => row.column('name').doUpdateSet({ value })).execute()
}
