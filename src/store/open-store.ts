import type { Log } from '../lib/log.ts'
import { appendAudit, openAuditRows } from './audit-rows.ts'
import { countChanges, insertChanges, readChanges } from './change-rows.ts'
import type { Cipher, Keyring } from '../lib/cipher.ts'
import type { Engine } from './engine.ts'
import { readEntries, writeEntities } from './entity-rows.ts'
import { openLeaseRows } from './lease-rows.ts'
import { migrateStore } from './migrate-store.ts'
import { insertRevision, newestRevision, readSealed, revisionsOf } from './revision-rows.ts'
import { openCipher } from './seal-store.ts'
import { openSessionRows } from './session-rows.ts'
import { openSettingRows } from './setting-rows.ts'
import type { Commit, Store } from './store.ts'
import { openTokenUses } from './token-uses.ts'

/** How a store is opened. */
export type StoreOptions = {
  /** By which secrets rest sealed; without it they rest as they are. */
  readonly keyring?: Keyring
  readonly log?: Log
}

/** Opens the store on an engine: brings its tables up to date, and seals what is not sealed yet. */
export async function openStore(engine: Engine, options: StoreOptions = {}): Promise<Store> {
  try {
    await migrateStore(engine, options.log)
    return storeOf(engine, await openCipher(engine, options.keyring, options.log))
  } catch (error) {
    await engine.close()
    throw error
  }
}

function storeOf(engine: Engine, cipher: Cipher): Store {
  const { database } = engine
  const settings = openSettingRows(database, cipher)
  return {
    engine: engine.name,
    load: () =>
      engine.atOnce(async (reading) => ({
        entries: await readEntries(reading, cipher),
        latest: await readSealed(reading, cipher),
      })),
    newest: () => newestRevision(database),
    commit: (commit) => keep(engine, cipher, commit),
    watch: (listener) => engine.watch(listener),
    leases: openLeaseRows(engine),
    audit: openAuditRows(database),
    tokenUses: openTokenUses(database),
    readRevisions: (limit) => revisionsOf(database).limit(limit).execute(),
    readRevisionSpan: ({ from, to }) =>
      revisionsOf(database).where('number', '>=', from).where('number', '<=', to).execute(),
    readChanges: (span) => readChanges(database, span, cipher),
    countChanges: (span) => countChanges(database, span),
    readSealed: (revision) => readSealed(database, cipher, revision),
    sessions: openSessionRows(database),
    readSetting: (name) => settings.read(name),
    keepSetting: (name, value) => settings.keep(name, value),
    writeSetting: (name, value) => settings.write(name, value),
    close: () => engine.close(),
  }
}

/** Takes back a transaction whose revision somebody else made. */
class Overtaken extends Error {}

/** The revision comes first: whoever has it has this moment alone, and finds everything as it was when the change was made. */
async function keep(engine: Engine, cipher: Cipher, commit: Commit): Promise<boolean> {
  const work = engine.database.transaction().execute(async (transaction) => {
    if (!(await insertRevision(transaction, cipher, commit))) throw new Overtaken()
    await writeEntities(transaction, commit.writes, cipher)
    await insertChanges(transaction, { number: commit.revision.number, cipher }, commit.writes)
    const settings = openSettingRows(transaction, cipher)
    for (const [name, value] of Object.entries(commit.settings ?? {})) {
      await settings.write(name, value)
    }
    if (commit.endSessionsOf.length > 0) {
      const sessions = transaction.deleteFrom('sessions')
      await sessions.where('principal_id', 'in', commit.endSessionsOf).execute()
    }
    await appendAudit(transaction, commit.audit)
    await engine.announce(transaction)
  })
  return work.then(
    () => true,
    (error: unknown) => {
      if (error instanceof Overtaken) return false
      throw error
    },
  )
}
