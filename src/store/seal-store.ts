import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { sealChanges } from './change-rows.ts'
import type { Cipher, Keyring } from '../lib/cipher.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { readEntries, writeEntities } from './entity-rows.ts'
import { newestRevision } from './revision-rows.ts'
import { prunedSetting } from './prune-revisions.ts'
import { dataKeySetting, settingAad, readRaw, writeRaw } from './setting-rows.ts'

/** The cipher of the store's data key. A store without one gets one, and in the same transaction everything that is stored in clear is encrypted. */
export async function openCipher(
  engine: Engine,
  keyring: Keyring | undefined,
  log: Log | undefined,
): Promise<Cipher> {
  const kept = await readRaw(engine.database, dataKeySetting)
  if (keyring === undefined) {
    if (kept === undefined) return plainCipher
    const message = `The configuration store ${engine.location} is encrypted and can only be opened with its key`
    throw new Problem('store.sealed', 500, message)
  }
  if (kept !== undefined) return keyring.openDataKey(kept)
  const hasContent = (await newestRevision(engine.database)) > 0
  const backup = hasContent ? await engine.backUp() : undefined
  const made = keyring.makeDataKey()
  const cipher = keyring.openDataKey(made)
  const isOurs = await engine.database.transaction().execute(async (transaction) => {
    if (!(await claim(transaction, made))) return false
    await sealAll(transaction, cipher)
    return true
  })
  if (!isOurs) return openCipher(engine, keyring, log)
  if (backup !== undefined) {
    await engine.vacuum()
    log?.warn('store: secrets encrypted; the previous backup contains them in plaintext', {
      backup,
    })
  }
  return cipher
}

/** Stores everything in clear: for a store that is opened without keys. */
const plainCipher: Cipher = {
  seal: (clear) => clear,
  open: (sealed) => sealed,
  sealValue: (clear) => clear,
  openValue: (sealed) => sealed,
  sealBytes: (clear) => clear,
  openBytes: (sealed) => sealed,
  digest: (clear) => clear,
}

async function claim(transaction: Database, wrapped: string): Promise<boolean> {
  const inserted = await transaction
    .insertInto('settings')
    .values({ name: dataKeySetting, value: wrapped })
    .onConflict((row) => row.column('name').doNothing())
    .returning('name')
    .executeTakeFirst()
  return inserted !== undefined
}

async function sealAll(transaction: Database, cipher: Cipher): Promise<void> {
  const entries = await readEntries(transaction, plainCipher)
  const writes = [...entries].flatMap(([entity, all]) =>
    [...all.values()].map((entry) => ({ entity, id: entry.id, before: undefined, entry })),
  )
  await writeEntities(transaction, writes, cipher)
  await sealChanges(transaction, cipher)
  for (const { name, value } of await transaction.selectFrom('settings').selectAll().execute()) {
    if (name === dataKeySetting || name === prunedSetting) continue
    await writeRaw(transaction, name, cipher.seal(value, settingAad(name)))
  }
}
